import * as z from "zod";
import { stateOf } from "../domain/approval.ts";
import { statementText } from "../domain/decision.ts";
import type { Passkey } from "../people/keys.ts";
import {
  assertion,
  challengeOf,
  counterMovedOn,
  type PasskeySignature,
  passkeySignature,
  signingOptions,
  verifyPasskey,
} from "../people/passkey.ts";
import { askedOf, handOver, statementOf } from "./asked.ts";
import { type Answer, cameBack, type PageContext, problem, staleForm, subjects } from "./context.ts";

const question = z.object({
  token: z.string(),
  decision: z.string(),
  person: z.string(),
  note: z.string(),
  lines: z.array(z.string()).max(1_000),
});
/** A browser's answer to a challenge that is still open. */
export const signedAnswer = z.object({ token: z.string(), handle: z.string().max(100), answer: assertion });

/** First half: fixes what is to be decided, and gives the browser a challenge that is the hash of exactly that. */
export async function askForPasskey(context: PageContext, approvalId: string): Promise<Answer> {
  const { desk, ask, challenges } = context;
  const approval = await desk.approval(approvalId);
  const sent = question.safeParse(ask.body?.kind === "json" ? ask.body.value : null);
  if (!sent.success || !(await cameBack(context, sent.data.token, subjects.approval(approvalId))))
    return problem(403, staleForm);
  if (stateOf(approval, desk.now()) !== "pending") return problem(409, "This was closed before. Open the page again.");
  const asked = askedOf(approval, await desk.people.names(), sent.data);
  if (typeof asked === "string") return problem(400, asked);
  const passkeys = await desk.people.passkeys(asked.person);
  if (passkeys.length === 0) return problem(400, `${asked.person} has no passkey here. Nothing was decided.`);
  const statement = statementOf(context, approval, asked, "passkey");
  const options = await signingOptions(passkeys, challengeOf(statementText(statement)));
  const handle = challenges.open(ask.browser, { kind: "decision", approvalId, statement });
  return { status: 200, json: { handle, options } };
}

/** Second half: checks the signature over what the first half fixed, and hands the decision over. */
export async function decideByPasskey(context: PageContext, approvalId: string): Promise<Answer> {
  const { desk, ask, challenges } = context;
  await desk.approval(approvalId);
  const sent = signedAnswer.safeParse(ask.body?.kind === "json" ? ask.body.value : null);
  if (!sent.success || !(await cameBack(context, sent.data.token, subjects.approval(approvalId))))
    return problem(403, staleForm);
  const challenge = challenges.take(ask.browser, sent.data.handle);
  if (challenge?.kind !== "decision" || challenge.approvalId !== approvalId)
    return problem(409, "That took too long, or was used before. Nothing was decided; try again.");
  const { statement } = challenge;
  const signature = passkeySignature(statement.by, sent.data.answer);
  if (!(await acceptPasskey(context, signature, statementText(statement))))
    return problem(403, `That is no passkey of ${statement.by} for this decision. Nothing was decided.`);
  const refused = await handOver(context, statement, "passkey", signature);
  return refused === null ? { status: 200, json: { to: `/a/${approvalId}` } } : problem(409, refused);
}

/** True when the signature holds and its counter moved on, which is then noted: a copied passkey shows. */
export async function acceptPasskey(
  { desk, ask }: PageContext,
  signature: PasskeySignature,
  text: string,
): Promise<boolean> {
  const passkeys: readonly Passkey[] = await desk.people.passkeys(signature.person);
  const passkey = passkeys.find(({ id }) => id === signature.keyId);
  if (!passkey) return false;
  const verified = await verifyPasskey(signature, text, passkey, ask.origin);
  if (!verified || !counterMovedOn(passkey, verified.counter)) return false;
  await desk.people.usedPasskey(signature.person, passkey.id, verified.counter);
  return true;
}
