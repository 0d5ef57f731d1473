import type { Approval } from "../domain/approval.ts";
import { type DecisionStatement, type Signature, statementOf as signedStatement } from "../domain/decision.ts";
import { BuyingError } from "../domain/errors.ts";
import type { PageContext } from "./context.ts";

/** What somebody at the page wants decided, before it is known that they may. */
export interface Asked {
  readonly decision: "approve" | "reject";
  /** Digests of the ticked lines, sorted; empty for a rejection. */
  readonly digests: readonly string[];
  readonly person: string;
  readonly note: string | null;
}

/** A form's fields, as a browser sent them. */
export interface Fields {
  readonly decision: string;
  readonly person: string;
  readonly note: string;
  readonly lines: readonly string[];
}

/** Reads a form about an approval. @returns what is asked, or a sentence that says what is missing */
export function askedOf(approval: Approval, people: readonly string[], fields: Fields): Asked | string {
  const { decision, person, lines } = fields;
  if (decision !== "approve" && decision !== "reject") return "Choose approve or reject. Nothing was decided.";
  if (!people.includes(person)) return "Choose who decides. Nothing was decided.";
  const shown = approval.lines.map(({ digest }) => digest);
  const digests = decision === "reject" ? [] : [...new Set(lines)].sort();
  if (!digests.every((digest) => shown.includes(digest)))
    return "The lines are no longer those that were shown. Nothing was decided; read them again.";
  if (decision === "approve" && digests.length === 0)
    return "No line is ticked. Tick what you approve, or reject it all. Nothing was decided.";
  // Browsers send line breaks as two characters; what is signed has one form.
  const note = fields.note.replaceAll("\r\n", "\n").trim().slice(0, 500).toWellFormed();
  return { decision, digests, person, note: note === "" ? null : note };
}

/** What the person signs. */
export function statementOf(
  { desk }: PageContext,
  approval: Approval,
  { decision, digests, person: by, note }: Asked,
  via: "page" | "passkey",
): DecisionStatement {
  return signedStatement(desk.name, approval, {
    decision,
    digests,
    via,
    by,
    note,
    decidedAt: desk.now().toISOString(),
  });
}

/** Hands a signed decision to the desk. @returns null once it is recorded, or the sentence that says why it is not */
export async function handOver(
  { desk }: PageContext,
  statement: DecisionStatement,
  via: "page" | "passkey",
  signature: Signature,
): Promise<string | null> {
  const { approval_id, decision, digests, by, note, decided_at: decidedAt } = statement;
  try {
    await desk.decide(approval_id, { decision, digests, via, by, wordOf: "server", note, decidedAt, signature });
    desk.log("decided on the approval page", { approval: approval_id, decision, via, by });
    return null;
  } catch (error) {
    if (error instanceof BuyingError) return error.message;
    desk.log("a decision could not be recorded", { approval: approval_id, error: String(error) });
    return "The decision could not be recorded. Open the page again to see how things stand.";
  }
}
