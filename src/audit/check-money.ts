import { isDeepStrictEqual } from "node:util";
import { streams } from "../domain/ids.ts";
import type { LineEvent } from "../domain/media-buy.ts";
import { returnedBy } from "../domain/ceiling.ts";
import { add, compare, displayMoney, type Money, subtract, zero } from "../domain/money.ts";
import {
  type Balances,
  type Holding,
  NO_CURRENCY,
  noBalances,
  type SpendEvent,
  settleBalances,
} from "../domain/spend.ts";
import type { Row } from "../ledger/ledger.ts";
import type { Finding } from "../ledger/verify.ts";
import { besides, type Book, entriesOf, findingAt, guarded } from "./book.ts";

/**
 * Whether the money adds up: the balances are the sum of what was held, released and overspent; whatever was held is a
 * booking's, in the same append; what was given back was held, once, and an outcome that books nothing came with it.
 */
export function checkMoney(book: Book): readonly Finding[] {
  const stream = streams.spend(book.desk);
  const others = [...book.streams.values()].flatMap(([first]) =>
    first?.stream.startsWith("spend/") && first.stream !== stream
      ? [findingAt(first, `is not of desk ${book.desk}`)]
      : [],
  );
  const rows = book.streams.get(stream) ?? [];
  return [...others, ...checkBalances(rows), ...checkHoldings(book, rows), ...checkOutcomes(book)];
}

/** What a row of the spend stream carries as the state after it. */
export function carriedBalances(row: Row | undefined): Balances | null {
  const carried = row?.entries.find(({ kind }) => kind === "balances");
  return carried?.kind === "balances" ? carried.balances : null;
}

function checkBalances(rows: readonly Row[]): readonly Finding[] {
  let state: Balances | null = null;
  return rows.flatMap((row) =>
    guarded(row, () => {
      const carried = carriedBalances(row);
      if (!carried) return [findingAt(row, "carries no balances")];
      const before: Balances = state ?? noBalances(carried.currency === NO_CURRENCY ? null : carried.currency);
      // Whatever comes of it: the next row is checked from what this one says.
      state = carried;
      const after = spendEvents(row).reduce(settleBalances, before);
      if (row.status !== (after.incidents.length > 0 ? "stopped" : "open"))
        return [findingAt(row, `says ${row.status} with ${after.incidents.length} open incidents`)];
      if (isDeepStrictEqual(after, carried)) return [];
      return [
        findingAt(
          row,
          `carries balances that are not the sum of its events: ${displayMoney(carried.total)} in all, and they come to ${displayMoney(after.total)}`,
        ),
      ];
    }),
  );
}

interface Held {
  readonly holding: Holding;
  readonly most: Money;
  readonly released: boolean;
}

function checkHoldings(book: Book, rows: readonly Row[]): readonly Finding[] {
  const held = new Map<string, Held>();
  return rows.flatMap((row) =>
    spendEvents(row).flatMap((event) =>
      guarded(row, () => {
        if (event.kind === "incident_cleared") return [];
        const { holding } = event;
        const key = `${holding.attempt} ${holding.ref}`;
        const known = held.get(key);
        if (event.kind === "reserved") {
          held.set(key, { holding, most: holding.amount, released: false });
          if (known) return [findingAt(row, `holds money for ${holding.ref} twice`)];
          return isStarted(book, row, holding)
            ? []
            : [findingAt(row, `holds money for ${holding.ref} without its start`)];
        }
        if (!known) return [findingAt(row, `moves money of ${holding.ref} that was never held`)];
        if (event.kind === "overspent") {
          held.set(key, { ...known, most: add(known.most, event.by) });
          return [];
        }
        const change = known.released ? null : returnedIn(book, row, holding);
        if (change !== null) {
          const left = subtract(known.most, holding.amount);
          held.set(key, { ...known, most: left, holding: { ...known.holding, amount: left } });
          return left.micros >= 0n && compare(change, holding.amount) === 0
            ? []
            : [findingAt(row, `gives back ${displayMoney(holding.amount)} for a change that lowered it by less`)];
        }
        held.set(key, { ...known, released: true });
        if (known.released) return [findingAt(row, `gives back the money of ${holding.ref} twice`)];
        const whole = add(holding.amount, keptIn(book, row, holding));
        if (compare(whole, known.holding.amount) !== 0 && compare(whole, known.most) !== 0)
          return [findingAt(row, `gives back ${displayMoney(holding.amount)} of ${displayMoney(known.most)}`)];
        return isFreed(book, row, holding)
          ? []
          : [findingAt(row, `gives back the money of ${holding.ref} though nothing says that it is not bought`)];
      }),
    ),
  );
}

/** From the line's side: a start holds its money, an outcome that books nothing gives it back. */
function checkOutcomes(book: Book): readonly Finding[] {
  return [...book.lines].flatMap(([ref, { steps }]) =>
    steps.flatMap(({ row, entry }) =>
      guarded(row, () => {
        const moved = (kind: "reserved" | "released") =>
          besides(book, row, kind).filter(({ entry: { holding } }) => holding.ref === ref);
        if (entry.kind === "booking_started") {
          const isHeld = moved("reserved").some(({ entry: { holding } }) =>
            isDeepStrictEqual(holding, entry.booking.holding),
          );
          return isHeld ? [] : [findingAt(row, "starts a booking, and no money was held with it")];
        }
        return !freesMoney(entry) || moved("released").length === 1
          ? []
          : [findingAt(row, "books nothing, and its money was not given back with it")];
      }),
    ),
  );
}

/** What a change of a buy gave back of the buy's money, in the same append; null where it is no such release. */
function returnedIn(book: Book, row: Row, { ref }: Holding): Money | null {
  const stream = streams.quote(ref);
  const found = besides(book, row, "buy_changed").find((one) => one.row.stream === stream)?.entry.change;
  if (!found) return null;
  const isMade = besides(book, row, "booking_confirmed").some((one) => one.row.stream === streams.quote(found.ref));
  const less = returnedBy(found.terms, found.returned);
  return isMade && compare(less, found.returned) === 0 ? found.returned : zero(found.returned.currency);
}

/** What of a cancelled buy was spent and stays committed, by the cancellation in the same append; zero otherwise. */
function keptIn(book: Book, row: Row, { ref, amount }: Holding): Money {
  const stream = streams.quote(ref);
  const found = besides(book, row, "cancel_confirmed").find((one) => one.row.stream === stream)?.entry;
  return found?.v === 2 ? found.kept : zero(amount.currency);
}

function isStarted(book: Book, row: Row, holding: Holding): boolean {
  const stream = streams.quote(holding.ref);
  if (book.withheld.has(stream)) return true;
  return besides(book, row, "booking_started").some((one) => one.row.stream === stream);
}

function isFreed(book: Book, row: Row, holding: Holding): boolean {
  const stream = streams.quote(holding.ref);
  if (book.withheld.has(stream)) return true;
  const steps = book.lines.get(holding.ref)?.steps ?? [];
  return steps.some((step) => step.row.appendId === row.appendId && freesMoney(step.entry));
}

function freesMoney(entry: LineEvent): boolean {
  if (entry.kind === "settled_by_person") return !entry.booked;
  return entry.kind === "booking_refused" || entry.kind === "cancel_confirmed";
}

/** The events of a row of the spend stream, without the balances it carries. */
export function spendEvents(row: Row): readonly SpendEvent[] {
  return (["reserved", "released", "overspent", "incident_cleared"] as const)
    .flatMap((kind) => entriesOf([row], kind))
    .map(({ entry }): SpendEvent => entry)
    .sort((left, right) => row.entries.indexOf(left) - row.entries.indexOf(right));
}
