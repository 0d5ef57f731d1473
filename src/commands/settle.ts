import type { Desk } from "../desk.ts";
import type { LoadedLine } from "../buying/lines.ts";
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
    const refusal = await whyNot(terminal, person, loaded, incident, options, desk.settings.command);
    if (refusal) {
      terminal.print(`${refusal} ${NOTHING}`);
      return 1;
    }
    if (!(await signAtTerminal(terminal, person, `settle ${loaded.ref}`, NOTHING))) return 1;
    const note = options.note || "asked the seller";
    if (options.clear) await desk.clear(loaded.ref, person.name, note);
    else await desk.settle(loaded.ref, { dealId: options.booked, by: person.name, note });
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
  person: Person,
  { ref, line }: LoadedLine,
  incident: boolean,
  options: SettleOptions,
  command: string,
): Promise<string | null> {
  if (options.clear && !incident) return `${ref} has no open incident.`;
  if (!options.clear && line.status !== "booking_unknown")
    return `${ref} is ${line.status.replaceAll("_", " ")}; only an unknown booking is settled.`;
  return whyNobodyHere(terminal, person, command);
}

function standing(loaded: LoadedLine): string {
  const { status } = loaded.line;
  if (status === "open" || status === "awaiting_approval")
    return `${loaded.ref} is ${status.replaceAll("_", " ")}: nothing was bought of it.`;
  return buysText([loaded]);
}

function nextStep({ ref, line }: LoadedLine, incident: boolean, command: string): string {
  if (line.status === "booking_unknown")
    return `Ask the seller whether it booked quote ${line.quote.sellerQuoteId}, then run one of:\n  ${command} settle ${ref} --booked <deal id>\n  ${command} settle ${ref} --not-booked`;
  if (incident) return `Approvals are stopped. To accept it as it stands: ${command} settle ${ref} --clear`;
  return "There is nothing to settle.";
}

function outcome({ clear, booked }: SettleOptions): string {
  if (clear) return "Cleared: it stands as it is, and approvals go on.";
  return booked === null ? "Settled as not booked; its money is given back." : `Settled as booked, deal ${booked}.`;
}
