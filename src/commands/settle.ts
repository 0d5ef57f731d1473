import type { Desk } from "../desk.ts";
import type { LoadedLine } from "../buying/lines.ts";
import { settlementText } from "../domain/settlement.ts";
import { buysText } from "../tools/buy-report.ts";
import { type Person, signAtTerminal, whyNobodyHere } from "./pin.ts";
import type { Terminal } from "./terminal.ts";

export interface SettleOptions {
  readonly booked: string | null;
  readonly notBooked: boolean;
  readonly clear: boolean;
  readonly note: string;
}

const NOTHING = "Nothing was changed.";

/**
 * `media-buyer-mcp settle <media_buy_id>`: a person ends what nobody could find out (`--booked <deal id>` or
 * `--not-booked`, after asking the seller), or clears an incident (`--clear`). Without either it only shows what stands.
 * @returns exit code 0 when it was shown or settled, 1 when not, 2 for options that do not go together
 */
export async function settleCommand(
  terminal: Terminal,
  desk: Desk,
  person: Person,
  ref: string,
  options: SettleOptions,
): Promise<number> {
  const chosen = [options.booked !== null, options.notBooked, options.clear].filter(Boolean).length;
  if (chosen > 1) {
    terminal.print(`One of --booked <deal id>, --not-booked and --clear. ${NOTHING}`);
    return 2;
  }
  try {
    const loaded = await desk.buyById(ref);
    terminal.print(standing(loaded));
    const incident = (await desk.standing()).balances.incidents.includes(loaded.ref);
    if (chosen === 0) {
      terminal.print(nextStep(loaded, incident, desk.settings.command));
      return 0;
    }
    const refusal = await whyNot(terminal, desk, person, loaded, incident, options);
    if (refusal) {
      terminal.print(`${refusal} ${NOTHING}`);
      return 1;
    }
    const said = {
      verdict: options.clear ? "cleared" : options.booked === null ? "not_booked" : "booked",
      dealId: options.booked,
      by: person.name,
      note: options.note || "asked the seller",
      decidedAt: new Date().toISOString(),
    } as const;
    const text = settlementText(desk.settings.name, loaded.ref, said);
    const signature = await signAtTerminal(terminal, person, text, NOTHING);
    if (!signature) return 1;
    if (options.clear) await desk.clear(loaded.ref, { ...said, signature });
    else await desk.settle(loaded.ref, { ...said, signature });
    terminal.print(`${outcome(options)}\n${standing(await desk.line(loaded.ref))}`);
    return 0;
  } catch (error) {
    const { code, message } = desk.explain(error);
    terminal.print(`${code}: ${message}`);
    return 1;
  }
}

/** Refused before the PIN is asked for, so that nobody types it for nothing. */
async function whyNot(
  terminal: Terminal,
  desk: Desk,
  person: Person,
  { ref, line }: LoadedLine,
  incident: boolean,
  options: SettleOptions,
): Promise<string | null> {
  if (options.clear && !incident) return `${ref} has no open incident.`;
  if (!options.clear && !["booking_unknown", "awaiting_seller"].includes(line.status))
    return `${ref} is ${line.status.replaceAll("_", " ")}; only an unknown booking is settled.`;
  const stranger = await desk.whyNoSay(person.name);
  return stranger ? `The mandate's ${stranger}.` : whyNobodyHere(terminal, person, desk.settings.command);
}

function standing(loaded: LoadedLine): string {
  const { status } = loaded.line;
  if (status === "open" || status === "awaiting_approval")
    return `${loaded.ref} is ${status.replaceAll("_", " ")}: nothing was bought of it.`;
  return buysText([loaded]);
}

function nextStep({ ref, line }: LoadedLine, incident: boolean, command: string): string {
  if (["booking_unknown", "awaiting_seller"].includes(line.status))
    return `Ask the seller whether it booked quote ${line.quote.sellerQuoteId}, then run one of:\n  ${command} settle ${ref} --booked <deal id>\n  ${command} settle ${ref} --not-booked`;
  if (incident) return `Approvals are stopped. To accept it as it stands: ${command} settle ${ref} --clear`;
  return "There is nothing to settle.";
}

function outcome({ clear, booked }: SettleOptions): string {
  if (clear) return "Cleared: it stands as it is, and approvals go on.";
  return booked === null ? "Settled as not booked; its money is given back." : `Settled as booked, deal ${booked}.`;
}
