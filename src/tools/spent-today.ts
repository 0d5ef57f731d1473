import type { Desk } from "../desk.ts";
import { displayMoney } from "../domain/money.ts";

/** What the desk has committed today against its limit, for the line under a card. */
export async function spentToday(desk: Desk): Promise<{ today: string; leftToday: string } | null> {
  const spent = await desk.spentToday();
  if (!spent) return null;
  const { committed, perDay } = spent;
  const left = perDay.micros - committed.micros;
  return {
    today: displayMoney(committed),
    leftToday: displayMoney({ micros: left < 0n ? 0n : left, currency: committed.currency }),
  };
}
