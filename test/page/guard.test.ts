import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, openBench, pin } from "./bench.ts";
import { lineOf, threeLines } from "./lines.ts";
import { call, decideAs, type Said, Visitor } from "./visitor.ts";

let bench: Bench;
let approvalId: string;
let host: string;
beforeAll(async () => {
  bench = await openBench();
  approvalId = await bench.ask(threeLines);
  host = bench.origin.slice("http://".length);
});
afterAll(() => bench.close());

const lines = threeLines.map(({ digest }) => digest);
const approve = { decision: "approve", line: lines, pin };

describe("who may talk to the page", () => {
  test.each([
    ["the address itself", (port: string) => `127.0.0.1:${port}`],
    ["another site's name that leads here", (port: string) => `evil.example:${port}`],
    ["localhost below another name", (port: string) => `localhost.evil.example:${port}`],
    ["no port", () => "localhost"],
    ["another port", () => "localhost:1"],
    ["other spelling", (port: string) => `LOCALHOST:${port}`],
  ])("a Host that is not ours sees nothing: %s", async (_what, hostOf) => {
    const heard = await call(`${bench.origin}/a/${approvalId}`, {
      headers: { host: hostOf(new URL(bench.origin).port) },
    });
    expect(heard.status).toBe(403);
    expect(heard.text).not.toContain("62,222");
    expect(heard.text).not.toContain("acme");
    expect(heard.headers["set-cookie"]).toBeUndefined();
  });

  test.each([
    ["from another site", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }],
    ["from another port of this computer", { origin: "http://localhost:9", "sec-fetch-site": "same-site" }],
    ["from the address instead of the name", { origin: "http://127.0.0.1:1", "sec-fetch-site": "cross-site" }],
    ["from a sandboxed frame", { origin: "null", "sec-fetch-site": "cross-site" }],
    ["with our origin claimed but another site said", { "sec-fetch-site": "cross-site" }],
  ])("a form with everything right, but sent %s, decides nothing", async (_what, headers) => {
    const visitor = new Visitor(bench.origin);
    const token = await visitor.token(`/a/${approvalId}`);
    const heard = await visitor.form(`/a/${approvalId}`, { token, person: "dana", ...approve }, headers);
    expect(heard.status).toBe(403);
    expect(bench.decided).toEqual([]);
    // The try was not even counted: another site must not be able to lock a person out.
    expect(await bench.ledger.head("pin/acme/dana")).toBeUndefined();
  });

  test("a form without any origin, or with null and no word from the browser, decides nothing", async () => {
    const visitor = new Visitor(bench.origin);
    const token = await visitor.token(`/a/${approvalId}`);
    const body = new URLSearchParams({ token, person: "dana", decision: "reject", pin }).toString();
    const type = "application/x-www-form-urlencoded";
    for (const origin of [{}, { origin: "null" }]) {
      const headers = { host, cookie: visitor.cookie, "content-type": type, ...origin };
      const heard = await call(`${bench.origin}/a/${approvalId}`, { method: "POST", headers, body });
      expect(heard.status).toBe(403);
    }
    expect(bench.decided).toEqual([]);
  });

  test.each(["PUT", "DELETE", "PATCH", "OPTIONS"])("%s is answered with 405", async (method) => {
    const heard = await call(`${bench.origin}/a/${approvalId}`, { method, headers: { host } });
    expect(heard.status).toBe(405);
    expect(heard.headers.allow).toBe("GET, HEAD, POST");
  });

  test("looking decides nothing, whatever the address says", async () => {
    const visitor = new Visitor(bench.origin);
    const token = await visitor.token(`/a/${approvalId}`);
    const query = new URLSearchParams({ token, person: "dana", decision: "approve", pin, line: lines[0] ?? "" });
    for (const path of [`/a/${approvalId}?${query}`, `/a/${approvalId}/challenge?${query}`, `/a/${approvalId}/passkey`])
      await visitor.open(path);
    expect(bench.decided).toEqual([]);
    expect((await bench.approval(approvalId)).status).toBe("pending");
  });
});

describe("form tokens", () => {
  const refused = async (token: string, visitor: Visitor) => {
    const heard = await visitor.form(`/a/${approvalId}`, { token, person: "dana", ...approve });
    expect(heard.status).toBe(403);
    expect(heard.text).toContain("out of date");
    expect(bench.decided).toEqual([]);
    expect(await bench.ledger.head("pin/acme/dana")).toBeUndefined();
  };

  test("none, a made-up one and half of one decide nothing", async () => {
    const visitor = new Visitor(bench.origin);
    const token = await visitor.token(`/a/${approvalId}`);
    for (const wrong of ["", "x".repeat(43), token.slice(0, 20), `${token}A`]) await refused(wrong, visitor);
  });

  test("another browser's decides nothing", async () => {
    const other = await new Visitor(bench.origin).token(`/a/${approvalId}`);
    const visitor = new Visitor(bench.origin);
    await visitor.open(`/a/${approvalId}`);
    await refused(other, visitor);
    await refused(other, new Visitor(bench.origin));
  });

  test("another approval's and the passkeys' decide nothing", async () => {
    const another = await bench.ask([lineOf()]);
    const visitor = new Visitor(bench.origin);
    for (const path of [`/a/${another}`, "/passkeys"]) await refused(await visitor.token(path), visitor);
  });

  test("the cookie is strict, out of reach of scripts, and kept", async () => {
    const visitor = new Visitor(bench.origin);
    const first = await visitor.open("/");
    expect(first.headers["set-cookie"]?.[0]).toMatch(
      /^media_buyer_page=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    expect((await visitor.open("/")).headers["set-cookie"]).toBeUndefined();
    const tossed = await call(`${bench.origin}/`, { headers: { host, cookie: "media_buyer_page=short" } });
    expect(tossed.headers["set-cookie"]).toHaveLength(1);
  });
});

describe("what is sent", () => {
  const post = (said: Said) =>
    call(`${bench.origin}/a/${approvalId}`, {
      method: "POST",
      ...said,
      headers: { host, origin: bench.origin, ...said.headers },
    });

  test("more than 16 kB is refused, said beforehand or not", async () => {
    const type = { "content-type": "application/x-www-form-urlencoded" };
    const body = `note=${"x".repeat(17_000)}`;
    expect((await post({ body, headers: type })).status).toBe(413);
    expect((await post({ body, headers: type, chunked: true })).status).toBe(413);
    expect((await post({ body: `note=${"x".repeat(16_000)}`, headers: type })).status).toBe(403);
  });

  test.each(["text/plain", "multipart/form-data; boundary=x", ""])("the type %j is refused", async (type) => {
    const heard = await post({ body: "decision=approve", headers: type ? { "content-type": type } : {} });
    expect(heard.status).toBe(415);
  });

  test("JSON that is none is refused", async () => {
    expect((await post({ body: "{", headers: { "content-type": "application/json" } })).status).toBe(400);
  });
});

describe("what comes back", () => {
  test("no answer can be framed, scripted, kept, told of or redirected elsewhere", async () => {
    const visitor = new Visitor(bench.origin);
    const answers = await Promise.all(
      ["/", "/passkeys", `/a/${approvalId}`, "/a/ap_none", "/nothing"].map((path) => visitor.open(path)),
    );
    answers.push(await decideAs(bench.origin, approvalId, { ...approve, pin: "" }));
    answers.push(await call(`${bench.origin}/`, { headers: { host: "evil.example" } }));
    for (const { headers } of answers) {
      expect(headers).toMatchObject({
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
      });
      expect(headers["access-control-allow-origin"]).toBeUndefined();
      const policy = headers["content-security-policy"] ?? "";
      expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+'; /);
      expect(policy).toMatch(/form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/);
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
    }
  });

  test("a script may run by its nonce alone, a new one each time, and only on pages that have one", async () => {
    const visitor = new Visitor(bench.origin);
    const nonceOf = async (path: string) => {
      const { headers, text } = await visitor.open(path);
      const nonce = /script-src 'nonce-([\w-]+)'/.exec(String(headers["content-security-policy"]))?.[1];
      expect(text.includes("<script")).toBe(nonce !== undefined);
      if (nonce !== undefined) expect(text).toContain(`<script nonce="${nonce}">`);
      return nonce;
    };
    expect(await nonceOf("/")).toBeUndefined();
    expect(await nonceOf("/nothing")).toBeUndefined();
    expect(await nonceOf(`/a/${approvalId}`)).not.toBe(await nonceOf(`/a/${approvalId}`));
  });

  test("an id nobody knows is a page that says nothing else, like any other address", async () => {
    const visitor = new Visitor(bench.origin);
    const nothing = (await visitor.open("/nothing")).text;
    for (const path of ["/a/ap_none", "/a/", "/a/..%2f..%2fetc", `/a/${approvalId}/more`, "/a/%00", "/%ff"]) {
      const heard = await visitor.open(path);
      expect(heard.status).toBe(404);
      expect(heard.text).toBe(nothing);
    }
    expect(nothing).not.toContain("acme");
    expect((await visitor.form("/a/ap_none", approve)).status).toBe(404);
  });

  test("HEAD gives the headers alone", async () => {
    const heard = await call(`${bench.origin}/`, { method: "HEAD", headers: { host } });
    expect(heard).toMatchObject({ status: 200, text: "" });
    expect(Number(heard.headers["content-length"])).toBeGreaterThan(1_000);
  });
});
