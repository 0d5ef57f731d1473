import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { labelledBytes, signatureInput } from "../../src/http/webhook-headers.ts";
import { Replays } from "../../src/http/webhook-replays.ts";
import { WEBHOOK_BYTES, webhookRoute } from "../../src/http/webhook-route.ts";
import { type ExpectedWebhook, verifyWebhook, type WebhookHint } from "../../src/http/webhooks.ts";
import { serve } from "../sellers/loopback.ts";
import { ed25519, hmacSigned, p256, type Signing, signed } from "./webhook-signer.ts";

const now = Date.parse("2026-11-20T12:00:00Z");
const seconds = now / 1000;
const url = "https://buyer.example/webhooks/adcp/op-1?a=%7E";
const token = "tok_0123456789abcdef";
const secret = "0123456789abcdef0123456789abcdef";
const edward = ed25519("ed");
const petra = p256("p256", { adcp_use: "webhook-signing", use: "sig", key_ops: ["verify"] });

const event = (more: object = {}) =>
  JSON.stringify({
    idempotency_key: `evt_${randomUUID()}`,
    operation_id: "op-1",
    task_id: "task_1",
    task_type: "create_media_buy",
    status: "completed",
    timestamp: "2026-11-20T12:00:00Z",
    token,
    result: { media_buy_id: "mb_1" },
    ...more,
  });
const hint = {
  sellerId: "northbeam",
  operationId: "op-1",
  taskId: "task_1",
  taskType: "create_media_buy",
  status: "completed",
};

const expected: ExpectedWebhook = {
  sellerId: "northbeam",
  url,
  token,
  operationId: "op-1",
  scheme: { kind: "rfc9421", keys: [edward.jwk, petra.jwk] },
};
const byHmac: ExpectedWebhook = { ...expected, scheme: { kind: "hmac", secret } };

const five = ["@method", "@target-uri", "@authority", "content-type", "content-digest"];

let replays: Replays;
beforeEach(() => {
  replays = new Replays();
});

function judge(headers: Record<string, string>, body: string, as = expected, at = now) {
  return verifyWebhook(
    { method: "POST", rawHeaders: Object.entries(headers).flat(), body: Buffer.from(body) },
    as,
    replays,
    at,
  );
}
const usual = (body: string, more: Partial<Signing> = {}) =>
  signed({ key: edward, url, body, created: seconds, ...more });

describe("a webhook signed by RFC 9421", () => {
  test.each([
    ["ed25519", { key: edward }],
    ["ed25519 in the other alphabet, unpadded", { key: edward, alphabet: "base64url" }],
    ["ecdsa-p256-sha256", { key: petra }],
    [
      "with its parts in another order",
      { covered: ["content-digest", "@target-uri", "content-type", "@authority", "@method"] },
    ],
    ["just before its end", { created: seconds - 359 }],
    ["by a clock a minute ahead", { created: seconds + 60 }],
  ] as const)("passes: %s", (_, more) => {
    const body = event();
    expect(judge(usual(body, more), body)).toMatchObject({ ok: true, hint, repeated: false });
  });

  const stranger = ed25519("ed");
  const revoked = ed25519("revoked", { revoked_at: "2026-11-20T12:00:00Z" });
  const unreadable = ed25519("unreadable", { revoked_at: "yesterday" });
  const governs = ed25519("governs", { adcp_use: "governance-signing" });
  const aimless = ed25519("aimless", { adcp_use: undefined });
  const encrypts = ed25519("encrypts", { use: "enc" });
  const seals = ed25519("seals", { key_ops: ["sign"] });
  const twice = ed25519("twice");
  const broken = ed25519("broken", { x: "AAAA" });
  const held = [revoked, unreadable, governs, aimless, encrypts, seals, twice, twice, broken].map(({ jwk }) => jwk);
  const as: ExpectedWebhook = { ...expected, scheme: { kind: "rfc9421", keys: [edward.jwk, petra.jwk, ...held] } };

  test.each<[string, Partial<Signing>, RegExp]>([
    ["another's key under the same name", { key: stranger }, /signature is wrong/],
    ["a key that is not the seller's", { kid: "unknown" }, /not one of the seller's/],
    ["a key that is there twice", { key: twice }, /not one of the seller's/],
    ["a key that is no key", { key: broken }, /cannot be read/],
    ["a revoked key", { key: revoked }, /has been revoked/],
    ["a key that was revoked nobody knows when", { key: unreadable }, /has been revoked/],
    ["a key for something else", { key: governs }, /not for signing webhooks/],
    ["a key for nothing", { key: aimless }, /not for signing webhooks/],
    ["a key to encrypt with", { key: encrypts }, /not for signing webhooks/],
    ["a key that may not verify", { key: seals }, /not for signing webhooks/],
    ["the key's other algorithm", { alg: "ecdsa-p256-sha256" }, /algorithm is not its key's/],
    ["another algorithm", { alg: "hmac-sha256" }, /not one of those allowed/],
    ["an algorithm named like a method", { alg: "constructor" }, /not one of those allowed/],
    ["the tag of a request", { tag: "adcp/request-signing/v1" }, /another purpose/],
    ["an address that is not ours", { url: "https://buyer.example/webhooks/adcp/op-2?a=%7E" }, /signature is wrong/],
    [
      "without the digest",
      { covered: ["@method", "@target-uri", "@authority", "content-type"] },
      /does not cover just/,
    ],
    [
      "one part twice",
      { covered: ["@method", "@method", "@authority", "content-type", "content-digest"] },
      /does not cover just/,
    ],
    ["one part twice beside all others", { covered: [...five, "@method"] }, /does not cover just/],
    ["expired", { created: seconds - 360 }, /has expired/],
    ["of a time to come", { created: seconds + 61 }, /time to come/],
    ["for longer than allowed", { lasts: 301 }, /for too long/],
    ["for no time", { lasts: 0 }, /for too long, or never/],
    ["a short nonce", { nonce: "short" }, /no usable nonce/],
    ["another spelling of the parameters", { separator: "; " }, /cannot be read/],
  ])("does not pass: %s", (_, more, why) => {
    const body = event();
    expect(judge(usual(body, more), body, as)).toEqual({ ok: false, why: expect.stringMatching(why) });
    // Nothing of it is remembered: the same in order passes.
    expect(judge(usual(body), body)).toMatchObject({ ok: true, repeated: false });
  });

  test("does not pass with another body, or any header changed, missing, or there twice", () => {
    const body = event();
    const headers = usual(body);
    expect(judge(headers, body.replace("mb_1", "mb_2"))).toMatchObject({ why: /content-digest/ });
    const other = body.replace("mb_1", "mb_2");
    const digest = usual(other)["content-digest"] ?? "";
    expect(judge({ ...headers, "content-digest": digest }, other)).toMatchObject({ why: "The signature is wrong." });
    expect(judge({ ...headers, "content-type": "application/json; charset=utf-8" }, body)).toMatchObject({ ok: false });
    expect(judge({ ...headers, "content-digest": digest.replace("sha-256", "sha-512") }, body)).toMatchObject({
      ok: false,
    });
    for (const name of Object.keys(headers)) {
      const { [name]: one = "", ...rest } = headers;
      expect(judge(rest, body), name).toMatchObject({ ok: false });
      expect(judge({ ...headers, [name.toUpperCase()]: one }, body), `${name} twice`).toMatchObject({ ok: false });
    }
    for (const bytes of [1, 63, 65]) {
      const short = `sig1=:${Buffer.alloc(bytes, 1).toString("base64url")}:`;
      for (const key of [edward, petra])
        expect(judge({ ...usual(body, { key }), signature: short }, body)).toMatchObject({
          why: "The signature is wrong.",
        });
    }
    expect(judge({ ...headers, signature: `${headers["signature"]}, sig2=:AAAA:` }, body)).toMatchObject({ ok: false });
    expect(judge(headers, body)).toMatchObject({ ok: true });
  });

  test("any one character changed in what is signed, in the signature or in the body breaks it", () => {
    const body = event();
    const headers = usual(body);
    const names = ["signature-input", "signature", "content-digest", "body"];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.constantFrom(...'aB0-_;:=" 9'), (name, where, letter) => {
        const before = name === "body" ? body : (headers[name] ?? "");
        const at = where % before.length;
        const after = before.slice(0, at) + letter + before.slice(at + 1);
        fc.pre(after !== before && !sameBytes(name, before, after));
        const changed = name === "body" ? headers : { ...headers, [name]: after };
        expect(judge(changed, name === "body" ? after : body)).toMatchObject({ ok: false });
      }),
      { numRuns: 500 },
    );
    expect(judge(headers, body)).toMatchObject({ ok: true });
  });

  /** Base64 of 64 and 32 bytes has bits at its end that say nothing. */
  function sameBytes(name: string, before: string, after: string): boolean {
    if (name !== "signature") return false;
    const [one, other] = [before, after].map((text) => labelledBytes(text, "sig1"));
    return one != null && other != null && one.equals(other);
  }

  test("what real sellers write is read", () => {
    const input = signatureInput(
      'sig1=("@method" "@target-uri" "@authority" "content-type" "content-digest");created=1795155810;expires=1795156110;nonce="DUNzzVc9TuKMvjO-q2u5Kw";keyid="key-1";alg="ed25519";tag="adcp/webhook-signing/v1"',
    );
    expect(input?.covered).toHaveLength(5);
    expect(Object.fromEntries(input?.parameters ?? [])).toEqual({
      created: 1795155810,
      expires: 1795156110,
      nonce: "DUNzzVc9TuKMvjO-q2u5Kw",
      keyid: "key-1",
      alg: "ed25519",
      tag: "adcp/webhook-signing/v1",
    });
    expect(labelledBytes("sha-256=:9VOU8bawC5suGjDqHIICAQ7HsBmhxBnAFxpiTFExe+g=:", "sha-256")).toHaveLength(32);
    for (const text of [
      'sig1=("@method");created=1;created=2',
      'sig1=("@method")',
      "sig1=()",
      'sig1=("@method"), sig2=("@method")',
    ])
      expect(signatureInput(text)?.parameters.get("created")).toBeUndefined();
  });
});

describe("a webhook signed by the older scheme", () => {
  test("passes with the registered secret, within five minutes", () => {
    for (const at of [seconds, seconds - 300, seconds + 300]) {
      const body = event();
      expect(judge(hmacSigned(secret, body, at), body, byHmac)).toMatchObject({ ok: true, hint, repeated: false });
    }
  });

  test("does not pass with another secret or body, too old, or with a secret that is none", () => {
    const body = event();
    const refused = (headers: Record<string, string>, text: string, why: RegExp, as = byHmac) =>
      expect(judge(headers, text, as)).toEqual({ ok: false, why: expect.stringMatching(why) });
    refused(hmacSigned(`${secret}x`, body, seconds), body, /is wrong/);
    refused(hmacSigned(secret, body, seconds), body.replace("mb_1", "mb_2"), /is wrong/);
    refused({ ...hmacSigned(secret, body, seconds), "x-adcp-timestamp": String(seconds + 1) }, body, /is wrong/);
    refused(hmacSigned(secret, body, seconds - 301), body, /too old/);
    refused(hmacSigned(secret, body, seconds + 301), body, /time to come/);
    refused({ ...hmacSigned(secret, body, seconds), "x-adcp-signature": "sha256=" }, body, /cannot be read/);
    for (const short of ["", secret.slice(1)])
      refused(hmacSigned(short, body, seconds), body, /shorter than 32/, {
        ...byHmac,
        scheme: { kind: "hmac", secret: short },
      });
  });
});

describe("whichever way it is signed", () => {
  test("only the registered one counts, and never both", () => {
    const body = event();
    const not = { ok: false, why: "It is not signed in the way that was registered." };
    expect(judge(usual(body), body, byHmac)).toEqual(not);
    expect(judge(hmacSigned(secret, body, seconds), body)).toEqual(not);
    for (const as of [expected, byHmac])
      expect(judge({ ...usual(body), ...hmacSigned(secret, body, seconds) }, body, as)).toEqual(not);
    expect(judge({ "content-type": "application/json" }, body)).toEqual(not);
  });

  test.each<[string, (body: string, at: number) => Record<string, string>, ExpectedWebhook]>([
    ["RFC 9421", (body, at) => usual(body, { created: at }), expected],
    ["HMAC", (body, at) => hmacSigned(secret, body, at), byHmac],
  ])("the same request comes once, and the same event is told as repeated: %s", (_, sign, as) => {
    const body = event();
    const headers = sign(body, seconds);
    expect(judge(headers, body, as)).toMatchObject({ ok: true, repeated: false });
    expect(judge(headers, body, as)).toEqual({ ok: false, why: "It was received before (replayed)." });
    expect(judge(headers, body, as, now + 299_000)).toMatchObject({ ok: false });
    expect(judge(headers, body, as, now + 361_000)).toMatchObject({ ok: false });
    expect(judge(sign(body, seconds + 1), body, as)).toMatchObject({ ok: true, repeated: true });
    // Another seller's memory is its own.
    expect(judge(headers, body, { ...as, sellerId: "harborview" })).toMatchObject({ ok: true, repeated: false });
  });

  test("an event that is released may come again", () => {
    const body = event();
    const headers = usual(body);
    const first = judge(headers, body);
    if (first.ok) first.release();
    expect(judge(headers, body)).toMatchObject({ ok: true, repeated: false });
  });

  test("the memory of a seller ends somewhere, and then nothing new of it is believed until some is over", () => {
    const small = new Replays();
    for (let n = 0; n < 10_000; n += 1) expect(small.take("a", String(n), 0, 1_000 + n)).toBe("new");
    expect(small.take("a", "more", 500, 2_000)).toBe("full");
    expect(small.take("b", "more", 500, 2_000)).toBe("new");
    expect(small.take("a", "9999", 10_998, 20_000)).toBe("seen");
    expect(small.take("a", "more", 1_000, 2_000)).toBe("new");
  });

  test.each<[string, object | string, RegExp]>([
    ["no JSON", "{", /not a webhook/],
    ["a list", "[]", /not a webhook/],
    ["no token", event({ token: undefined }), /not a webhook/],
    ["another token", event({ token: `${token}x` }), /token that was registered/],
    ["another operation", event({ operation_id: "op-2" }), /another operation/],
    ["an operation that cannot be read", event({ operation_id: 5 }), /not a webhook/],
    ["a task with a line break", event({ task_id: "a\nb" }), /not a webhook/],
    ["an unknown state", event({ status: "booked" }), /not a webhook/],
    ["a short key", event({ idempotency_key: "short" }), /not a webhook/],
  ])("its body must be what was registered: %s", (_, body, why) => {
    const text = String(body);
    expect(judge(usual(text), text)).toEqual({ ok: false, why: expect.stringMatching(why) });
  });

  test("a seller of 3.0 leaves the operation out; a token that is none was not registered", () => {
    const body = event({ operation_id: undefined });
    expect(judge(usual(body), body)).toMatchObject({ ok: true, hint: { operationId: null } });
    const short = { ...expected, token: "short" };
    expect(judge(usual(body), body, short)).toMatchObject({ ok: false });
  });
});

describe("the route", () => {
  const path = "/webhooks/adcp/op-1?a=%7E";

  async function mounted(follow: () => Promise<void> = async () => undefined) {
    const hints: WebhookHint[] = [];
    const lines: unknown[] = [];
    const handle = webhookRoute({
      expectedAt: async (at) => {
        if (at === "/fails") throw new Error("no keys");
        return at === path ? expected : null;
      },
      hint: async (one) => {
        await follow();
        hints.push(one);
      },
      log: (message, details) => lines.push([message, details]),
      now: () => now,
    });
    const { origin } = await serve((incoming, outgoing) => void handle(incoming, outgoing));
    const post = async (body: string, headers: Record<string, string>, at = path) => {
      const answer = await fetch(origin + at, { method: "POST", body, headers });
      return [answer.status, (await answer.text()).trim()];
    };
    return { origin, post, hints, lines };
  }

  test("tells of each event once, and answers 200 to its repetition", async () => {
    const { post, hints } = await mounted();
    const body = event();
    expect(await post(body, usual(body))).toEqual([200, "ok"]);
    expect(await post(body, usual(body))).toEqual([200, "ok"]);
    expect(hints).toEqual([hint]);
  });

  test("asks for another try where the hint could not be followed, and takes that", async () => {
    let well = false;
    const { post, hints, lines } = await mounted(async () => {
      if (!well) throw new Error("the ledger does not answer");
    });
    const body = event();
    const headers = usual(body);
    expect((await post(body, headers))[0]).toBe(503);
    well = true;
    expect(await post(body, headers)).toEqual([200, "ok"]);
    expect(hints).toEqual([hint]);
    expect(lines).toHaveLength(1);
  });

  test("turns away what is not signed, not expected, not JSON, not a POST, or too large", async () => {
    const { origin, post, hints, lines } = await mounted();
    const body = event();
    expect(await post(body.replace("mb_1", "mb_2"), usual(body))).toEqual([
      401,
      "The body is not the one that was signed (content-digest).",
    ]);
    expect((await post(body, usual(body), "/webhooks/adcp/op-2"))[0]).toBe(404);
    expect((await post(body, usual(body), "/fails"))[0]).toBe(503);
    expect((await post(body, { ...usual(body), "content-type": "text/plain" }))[0]).toBe(415);
    expect((await fetch(origin + path)).status).toBe(405);
    const large = event({ message: "x".repeat(WEBHOOK_BYTES) });
    expect((await post(large, usual(large)))[0]).toBe(413);
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("x".repeat(65_536))),
    });
    const endless = fetch(origin + path, { method: "POST", body: stream, duplex: "half", headers: usual(body) });
    expect((await endless.catch(() => ({ status: 413 }))).status).toBe(413);
    expect(hints).toEqual([]);
    expect(JSON.stringify(lines)).not.toContain(token);
  });
});
