import { stateOf } from "../domain/approval.ts";
import { signWithPin } from "../people/sign.ts";
import { LOCK_MINUTES } from "../people/tries.ts";
import { askedOf, type Fields, handOver, statementOf } from "./asked.ts";
import { type Answer, cameBack, type PageContext, staleForm, subjects } from "./context.ts";
import { approvalAnswer } from "./show.ts";

/** A form sent with a PIN: the decision is signed with the key that the PIN opens, and handed over. */
export async function decideByPin(context: PageContext, approvalId: string): Promise<Answer> {
  const { desk, ask } = context;
  const approval = await desk.approval(approvalId);
  const sent = ask.body?.kind === "form" ? ask.body.fields : new URLSearchParams();
  const fields = fieldsOf(sent);
  const again = (status: number, message: string) => approvalAnswer(context, approval, { status, message, fields });
  if (!(await cameBack(context, sent.get("token"), subjects.approval(approvalId)))) return again(403, staleForm);
  if (stateOf(approval, desk.now()) !== "pending")
    return again(409, "This was closed before. Nothing more was decided.");
  const asked = askedOf(approval, await desk.people.names(), fields);
  if (typeof asked === "string") return again(400, asked);
  const pin = sent.get("pin") ?? "";
  if (pin === "") return again(400, "Type your PIN to decide. Nothing was decided.");
  const statement = statementOf(context, approval, asked, "page");
  const verdict = await signWithPin(desk, asked.person, pin, statement);
  if (verdict.kind === "wrong") return again(403, `That is not the PIN of ${asked.person}. Nothing was decided.`);
  if (verdict.kind === "locked") return again(429, lockedText(asked.person));
  if (verdict.kind === "none") return again(400, `${asked.person} has no PIN on this desk. Nothing was decided.`);
  const refused = await handOver(context, statement, "page", verdict.signature);
  if (refused === null) return { status: 303, to: `/a/${approvalId}` };
  return approvalAnswer(context, await desk.approval(approvalId), { status: 409, message: refused, fields });
}

/** Said when a person's tries are used up. */
export function lockedText(person: string): string {
  return `Too many wrong PINs for ${person}: locked for ${LOCK_MINUTES} minutes, everywhere on this desk. Nothing was decided.`;
}

function fieldsOf(sent: URLSearchParams): Fields {
  return {
    decision: sent.get("decision") ?? "",
    person: sent.get("person") ?? "",
    note: sent.get("note") ?? "",
    lines: sent.getAll("line"),
  };
}
