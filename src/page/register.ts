import { randomBytes } from "node:crypto";
import * as z from "zod";
import {
  attestation,
  challengeOf,
  creationOptions,
  newPasskey,
  passkeySignature,
  signingOptions,
} from "../people/passkey.ts";
import { signTextWithPin } from "../people/sign.ts";
import { type Answer, cameBack, type PageContext, problem, staleForm, subjects } from "./context.ts";
import { acceptPasskey, signedAnswer } from "./decide-by-passkey.ts";
import { lockedText } from "./decide-by-pin.ts";

const begun = z.object({ token: z.string(), person: z.string().max(60), pin: z.string().max(1_000).nullable() });
const finished = z.object({ token: z.string(), handle: z.string().max(100), answer: attestation });

/** A new passkey is asked for: shown the PIN, or asked to show an older passkey first (`pin` null). */
export async function beginPasskey(context: PageContext): Promise<Answer> {
  const sent = await readSent(context, begun);
  if ("status" in sent) return sent;
  const { desk, ask, challenges } = context;
  const { person, pin } = sent;
  if (!(await desk.people.names()).includes(person)) return problem(400, "Choose whose passkey it is to be.");
  const text = `a new passkey for ${person} on desk ${desk.name}: ${randomBytes(32).toString("base64url")}`;
  if (pin === null) {
    const passkeys = await desk.people.passkeys(person);
    if (passkeys.length === 0) return problem(400, `${person} has no passkey yet: use the PIN for the first one.`);
    const options = await signingOptions(passkeys, challengeOf(text));
    return { status: 200, json: { handle: challenges.open(ask.browser, { kind: "older", person, text }), options } };
  }
  const verdict = await signTextWithPin(desk, person, pin, text);
  if (verdict.kind === "locked") return problem(429, lockedText(person));
  if (verdict.kind !== "ok") return problem(403, `That is not the PIN of ${person}. No passkey was added.`);
  return askForNew(context, person);
}

/** The older passkey was shown; a new one may be made. */
export async function showOlderPasskey(context: PageContext): Promise<Answer> {
  const sent = await readSent(context, signedAnswer);
  if ("status" in sent) return sent;
  const older = context.challenges.take(context.ask.browser, sent.handle);
  if (older?.kind !== "older") return problem(409, tooLate);
  const signature = passkeySignature(older.person, sent.answer);
  if (!(await acceptPasskey(context, signature, older.text)))
    return problem(403, `That is no passkey of ${older.person}. No passkey was added.`);
  return askForNew(context, older.person);
}

/** The browser made a passkey; it is checked and kept. */
export async function finishPasskey(context: PageContext): Promise<Answer> {
  const sent = await readSent(context, finished);
  if ("status" in sent) return sent;
  const { desk, ask, challenges } = context;
  const create = challenges.take(ask.browser, sent.handle);
  if (create?.kind !== "create") return problem(409, tooLate);
  const { person, challenge } = create;
  const passkey = await newPasskey(sent.answer, challenge, ask.origin, desk.now().toISOString());
  if (!passkey) return problem(403, "That passkey does not answer what was asked. No passkey was added.");
  await desk.people.addPasskey(person, passkey);
  desk.log("a passkey was added", { person, passkey: passkey.id });
  return { status: 200, json: { to: "/passkeys" } };
}

const tooLate = "That took too long, or was used before. No passkey was added; try again.";

async function askForNew({ desk, ask, challenges }: PageContext, person: string): Promise<Answer> {
  const challenge = randomBytes(32).toString("base64url");
  const options = await creationOptions(desk.name, person, await desk.people.passkeys(person), challenge);
  return {
    status: 200,
    json: { handle: challenges.open(ask.browser, { kind: "create", person, challenge }), options },
  };
}

async function readSent<T extends { readonly token: string }>(
  context: PageContext,
  schema: z.ZodType<T>,
): Promise<T | Answer> {
  const { body } = context.ask;
  const sent = schema.safeParse(body?.kind === "json" ? body.value : null);
  const ours = sent.success && (await cameBack(context, sent.data.token, subjects.passkeys));
  return ours ? sent.data : problem(403, staleForm);
}
