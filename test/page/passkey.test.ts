import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { statementText } from "../../src/domain/decision.ts";
import type { Passkey } from "../../src/people/keys.ts";
import { challengeOf, counterMovedOn, passkeySignature, verifyPasskey } from "../../src/people/passkey.ts";
import { pinTries } from "../../src/people/tries.ts";
import { verifies } from "../requirements.ts";
import { Authenticator, type Signing } from "./authenticator.ts";
import { type Bench, openBench, pin, start } from "./bench.ts";
import { lineOf, threeLines } from "./lines.ts";
import { type Heard, Visitor } from "./visitor.ts";

let bench: Bench;
let visitor: Visitor;
beforeEach(async () => {
  bench = await openBench({ people: ["dana", "lee"] });
  visitor = new Visitor(bench.origin);
});
afterEach(() => bench.close());

const lines = threeLines.map(({ digest }) => digest);
const json = ({ text }: Heard): { handle: string; error: string; to: string; options: { challenge: string } } =>
  JSON.parse(text);

/** A person's authenticator that the page knows already. */
async function registered(person = "dana"): Promise<Authenticator> {
  const authenticator = new Authenticator();
  const publicKey = authenticator.publicKey.toString("base64url");
  const added = { id: authenticator.id, publicKey, counter: 0, transports: [], addedAt: start.toISOString() };
  await bench.people.addPasskey(person, added);
  return authenticator;
}

/** Asks for a challenge on an approval. */
async function asked(approvalId: string, fields: object = {}) {
  const token = await visitor.token(`/a/${approvalId}`);
  const body = { token, decision: "approve", person: "dana", note: "", lines, ...fields };
  const heard = await visitor.json(`/a/${approvalId}/challenge`, body);
  const answer = (handle: string, signed: object) =>
    visitor.json(`/a/${approvalId}/passkey`, { token, handle, answer: signed });
  return { heard, token, answer, ...json(heard) };
}

describe("deciding with a passkey", () => {
  test("signs exactly this decision, verifiable later without the page", async () => {
    verifies("ask.passkey");
    const authenticator = await registered();
    const id = await bench.ask(threeLines);
    const { handle, options, answer } = await asked(id, { lines: lines.slice(0, 2), note: "two of three" });
    const signed = authenticator.get({ challenge: options.challenge, origin: bench.origin, counter: 1 });
    const heard = await answer(handle, signed);
    expect(heard.status).toBe(200);
    expect(json(heard).to).toBe(`/a/${id}`);
    const [decision] = bench.decided;
    expect(decision).toMatchObject({ via: "passkey", by: "dana", digests: lines.slice(0, 2).sort() });
    const [passkey] = await bench.people.passkeys("dana");
    const { signature } = decision ?? {};
    if (signature?.kind !== "passkey" || !passkey || !decision) throw new Error("no passkey signature");
    const statement = {
      v: 1,
      desk: "acme",
      approval_id: id,
      decision: "approve",
      digests: lines.slice(0, 2),
      via: "passkey",
      by: "dana",
      note: "two of three",
      decided_at: decision.decidedAt,
      expires_at: (await bench.approval(id)).expiresAt,
    } as const;
    const text = statementText(statement);
    expect(await verifyPasskey(signature, text, passkey, bench.origin)).toEqual({ counter: 1 });
    expect(await verifyPasskey(signature, text, passkey, null)).toEqual({ counter: 1 });
    expect(await verifyPasskey(signature, text, passkey, "http://localhost:1")).toBeNull();
    for (const change of [{ digests: lines }, { decision: "reject" }, { approval_id: "ap_2" }, { by: "lee" }] as const)
      expect(await verifyPasskey(signature, statementText({ ...statement, ...change }), passkey, null)).toBeNull();
    expect(passkey.counter).toBe(1);
  });

  test("a signature for one approval is none for another, nor twice for its own", async () => {
    const authenticator = await registered();
    const [one, two] = [await bench.ask(threeLines), await bench.ask(threeLines)];
    const first = await asked(one);
    const second = await asked(two);
    const signed = authenticator.get({ challenge: first.options.challenge, origin: bench.origin });
    const reused = await second.answer(second.handle, signed);
    expect(reused.status).toBe(403);
    expect((await second.answer(first.handle, signed)).status).toBe(409);
    expect(bench.decided).toEqual([]);
    const third = await asked(one);
    const right = authenticator.get({ challenge: third.options.challenge, origin: bench.origin });
    expect((await third.answer(third.handle, right)).status).toBe(200);
    expect((await third.answer(third.handle, right)).status).toBe(409);
    expect(bench.decided).toHaveLength(1);
  });

  test("a challenge is for three minutes, one browser and one answer", async () => {
    const authenticator = await registered();
    const id = await bench.ask(threeLines);
    const sign = (challenge: string) => authenticator.get({ challenge, origin: bench.origin });
    const late = await asked(id);
    bench.later(4);
    expect((await late.answer(late.handle, sign(late.options.challenge))).status).toBe(409);
    const stolen = await asked(id);
    const thief = new Visitor(bench.origin);
    const token = await thief.token(`/a/${id}`);
    const answer = sign(stolen.options.challenge);
    expect((await thief.json(`/a/${id}/passkey`, { token, handle: stolen.handle, answer })).status).toBe(409);
    const spoilt = await asked(id);
    expect((await spoilt.answer(spoilt.handle, sign(late.options.challenge))).status).toBe(403);
    expect((await spoilt.answer(spoilt.handle, sign(spoilt.options.challenge))).status).toBe(409);
    expect(bench.decided).toEqual([]);
  });

  const bad: readonly (readonly [string, Partial<Signing>])[] = [
    ["without the user verified", { verified: false }],
    ["on another port's page", { origin: "http://localhost:9" }],
    ["on another site", { origin: "https://evil.example" }],
    ["for another host", { host: "evil.example" }],
    ["as a registration", { type: "webauthn.create" }],
    ["over another challenge", { challenge: challengeOf("another text") }],
  ];
  test.each(bad)("an answer made %s decides nothing", async (_what, change) => {
    const authenticator = await registered();
    const { handle, options, answer } = await asked(await bench.ask(threeLines));
    const signed = authenticator.get({ challenge: options.challenge, origin: bench.origin, ...change });
    const heard = await answer(handle, signed);
    expect(heard.status).toBe(403);
    expect(json(heard).error).toContain("no passkey of dana for this decision");
    expect(bench.decided).toEqual([]);
  });

  test("another person's passkey, a forged one and one whose counter stands still decide nothing", async () => {
    const dana = await registered("dana");
    const lee = await registered("lee");
    const forged = Object.assign(new Authenticator(), { id: dana.id });
    const id = await bench.ask(threeLines);
    for (const wrong of [lee, forged]) {
      const { handle, options, answer } = await asked(id);
      const signed = wrong.get({ challenge: options.challenge, origin: bench.origin });
      expect((await answer(handle, signed)).status).toBe(403);
    }
    await bench.people.usedPasskey("dana", dana.id, 7);
    const { handle, options, answer } = await asked(id);
    const signed = dana.get({ challenge: options.challenge, origin: bench.origin, counter: 7 });
    expect((await answer(handle, signed)).status).toBe(403);
    expect(bench.decided).toEqual([]);
  });

  test("no challenge without a token, a passkey, a line or a person", async () => {
    const id = await bench.ask(threeLines);
    expect((await asked(id)).error).toContain("dana has no passkey");
    await registered();
    expect((await asked(id, { token: "x" })).heard.status).toBe(403);
    expect((await asked(id, { lines: [] })).error).toContain("No line is ticked");
    expect((await asked(id, { lines: [lineOf().digest] })).error).toContain("no longer those");
    expect((await asked(id, { person: "mallory" })).error).toContain("Choose who decides");
    expect((await asked(id, { note: 3 })).heard.status).toBe(403);
    const { token } = await asked(id);
    bench.later(25 * 60);
    expect((await asked(id, { token })).heard.status).toBe(409);
  });
});

describe("adding a passkey", () => {
  const begin = async (fields: object) => {
    const token = await visitor.token("/passkeys");
    return visitor.json("/passkeys/begin", { token, person: "dana", pin, ...fields });
  };

  test("takes the PIN, whose wrong tries count", async () => {
    expect((await begin({ pin: "wrong wrong" })).status).toBe(403);
    const elsewhere = pinTries(bench.ledger, "acme", () => start);
    for (let tries = 0; tries < 4; tries += 1) await elsewhere.begin("dana");
    expect((await begin({})).status).toBe(429);
    expect((await begin({ person: "lee" })).status).toBe(200);
    expect((await begin({ person: "mallory" })).status).toBe(400);
    expect((await begin({ token: "x" })).status).toBe(403);
    expect(await bench.people.passkeys("dana")).toEqual([]);
  });

  test("keeps the key, so that it decides", async () => {
    const authenticator = new Authenticator();
    const token = await visitor.token("/passkeys");
    const begun = json(await begin({}));
    const answer = authenticator.create({ challenge: begun.options.challenge, origin: bench.origin });
    const heard = await visitor.json("/passkeys/finish", { token, handle: begun.handle, answer });
    expect(heard.status).toBe(200);
    const { handle, options, answer: decide } = await asked(await bench.ask(threeLines));
    const signed = authenticator.get({ challenge: options.challenge, origin: bench.origin });
    expect((await decide(handle, signed)).status).toBe(200);
    expect(bench.decided[0]?.via).toBe("passkey");
  });

  test("or an older passkey of the same person, over a challenge of its own", async () => {
    expect(json(await begin({ pin: null })).error).toContain("no passkey yet");
    const older = await registered();
    const lee = await registered("lee");
    const token = await visitor.token("/passkeys");
    const show = async (authenticator: Authenticator) => {
      const { handle, options } = json(await begin({ pin: null }));
      const answer = authenticator.get({ challenge: options.challenge, origin: bench.origin });
      return visitor.json("/passkeys/older", { token, handle, answer });
    };
    expect((await show(lee)).status).toBe(403);
    const { handle, options } = json(await show(older));
    const answer = new Authenticator().create({ challenge: options.challenge, origin: bench.origin });
    expect((await visitor.json("/passkeys/finish", { token, handle, answer })).status).toBe(200);
    expect((await visitor.json("/passkeys/finish", { token, handle, answer })).status).toBe(409);
    expect(await bench.people.passkeys("dana")).toHaveLength(2);
    expect((await visitor.open("/passkeys")).text).toContain("since 20 Nov 2026");
  });

  test("what was signed for a decision does not add one, and the other way round", async () => {
    const authenticator = await registered();
    const id = await bench.ask(threeLines);
    const decision = await asked(id);
    const token = await visitor.token("/passkeys");
    const answer = authenticator.get({ challenge: decision.options.challenge, origin: bench.origin });
    expect((await visitor.json("/passkeys/older", { token, handle: decision.handle, answer })).status).toBe(409);
    const adding = json(await begin({ pin: null }));
    const again = await asked(id);
    const shown = authenticator.get({ challenge: adding.options.challenge, origin: bench.origin });
    expect((await again.answer(adding.handle, shown)).status).toBe(409);
    expect((await again.answer(again.handle, shown)).status).toBe(403);
    expect(bench.decided).toEqual([]);
  });

  test.each([
    ["another origin", { origin: "http://localhost:9" }],
    ["an unverified user", { verified: false }],
    ["another challenge", { challenge: "AAAA" }],
  ])("one made for %s is not kept", async (_what, change) => {
    const older = await registered();
    const token = await visitor.token("/passkeys");
    const shown = json(await begin({ pin: null }));
    const proof = older.get({ challenge: shown.options.challenge, origin: bench.origin });
    const { handle, options } = json(
      await visitor.json("/passkeys/older", { token, handle: shown.handle, answer: proof }),
    );
    const answer = new Authenticator().create({ challenge: options.challenge, origin: bench.origin, ...change });
    expect((await visitor.json("/passkeys/finish", { token, handle, answer })).status).toBe(403);
    expect(await bench.people.passkeys("dana")).toHaveLength(1);
  });
});

describe("a passkey's signature by itself", () => {
  test("answers null for anything that is none", async () => {
    const authenticator = new Authenticator();
    const passkey: Passkey = {
      id: authenticator.id,
      publicKey: authenticator.publicKey.toString("base64url"),
      counter: 0,
      transports: [],
      addedAt: "2026-11-20T00:00:00Z",
    };
    const text = "a text";
    const answer = authenticator.get({ challenge: challengeOf(text), origin: "http://localhost:7788" });
    const signature = passkeySignature("dana", answer);
    expect(await verifyPasskey(signature, text, passkey, null)).toEqual({ counter: 0 });
    for (const change of [
      { keyId: "other" },
      { clientDataJSON: "e30" },
      { authenticatorData: "AA" },
      { signature: "AA" },
    ])
      expect(await verifyPasskey({ ...signature, ...change }, text, passkey, null)).toBeNull();
    expect(await verifyPasskey(signature, text, { ...passkey, publicKey: "AA" }, null)).toBeNull();
    expect([counterMovedOn(passkey, 0), counterMovedOn(passkey, 1)]).toEqual([true, true]);
    expect([0, 3, 4].map((counter) => counterMovedOn({ ...passkey, counter: 3 }, counter))).toEqual([
      false,
      false,
      true,
    ]);
  });
});
