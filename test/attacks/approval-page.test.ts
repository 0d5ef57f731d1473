import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { bookingDesk, operatorOf, sent, withMandate } from "../e2e/booking-fixtures.ts";
import type { Connection } from "../e2e/client.ts";
import { dealsOf, quoteFrom, type TestDesk } from "../e2e/fixtures.ts";
import { call, decideAs, type Heard, Visitor } from "../page/visitor.ts";
import { pin } from "../people.ts";
import { verifies } from "../requirements.ts";

// A PIN is slow to check on purpose.
vi.setConfig({ testTimeout: 60_000 });

/**
 * The approval page as a real server process serves it, at the address an answer names: another site, another program and
 * another page cannot decide, and a PIN cannot be guessed, on one page or on several.
 */
let desk: TestDesk;
let model: Connection;
let origin: string;
let approvalId: string;
let quote: string;
let digest: string;
let impressions = 100_000;
beforeAll(async () => {
  const most = { per_buy: "250000.00 USD", per_day: "1000000.00 USD" };
  desk = await bookingDesk({ config: withMandate({ channels: { page: most } }) });
  const operator = operatorOf(desk);
  await Promise.all([operator.people.setPin("dana", pin), operator.people.setPin("lee", "another phrase 9")]);
  await operator.close();
  model = await desk.connect();
});
beforeEach(async () => {
  ({ approvalId, origin, quote } = await waiting(model));
  const operator = operatorOf(desk);
  const [line] = (await operator.approval(approvalId).finally(() => operator.close())).lines;
  digest = line?.digest ?? "";
});
afterAll(() => desk.close());

/** An approval that waits for a person, and the page its answer names. */
async function waiting(client: Connection): Promise<{ approvalId: string; origin: string; quote: string }> {
  impressions += 1;
  const ref = await quoteFrom(client, { impressions });
  const asked = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
  const [first] = asked.list("approval", "person_can");
  const address = /^open (http:\/\/localhost:\d+)\/a\/(ap_\w+)$/.exec(String(first));
  return { approvalId: address?.[2] ?? "", origin: address?.[1] ?? "", quote: ref };
}

async function undecided(): Promise<void> {
  const reply = await model.ok("approve", { approval_id: approvalId, wait_s: 0 });
  expect(reply.at("approval", "status"), reply.text).toBe("pending");
  expect(sent(desk, "deal")).toBe(0);
  expect(dealsOf(desk, quote)).toBe(0);
}

const path = () => `/a/${approvalId}`;
const approve = () => ({ decision: "approve", line: digest, person: "dana", note: "", pin });

describe("another site", () => {
  test.each([
    ["its own form", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }],
    ["a page of another port here", { origin: "http://localhost:1", "sec-fetch-site": "same-site" }],
    ["a sandboxed frame", { origin: "null", "sec-fetch-site": "cross-site" }],
    ["our origin written by itself", { "sec-fetch-site": "cross-site" }],
  ])("that has the token, the cookie and the PIN decides nothing by %s", async (_what, headers) => {
    verifies("ask.page");
    const visitor = new Visitor(origin);
    const token = await visitor.token(path());
    const heard = await visitor.form(path(), { token, ...approve() }, headers);
    expect(heard.status).toBe(403);
    await undecided();
  });

  test("decides nothing without the token of this very page, whatever else it has", async () => {
    const visitor = new Visitor(origin);
    await visitor.open(path());
    const other = await waiting(model);
    const foreign = await new Visitor(origin).token(path());
    const elsewhere = await visitor.token(`/a/${other.approvalId}`);
    for (const token of ["", "x".repeat(43), foreign, elsewhere]) {
      const heard = await visitor.form(path(), { token, ...approve() });
      expect(heard.status, heard.text).toBe(403);
    }
    await undecided();
  });

  test("cannot show the page in a frame, read it, keep it or name it to others", async () => {
    const visitor = new Visitor(origin);
    const answers = [await visitor.open(path()), await visitor.open("/"), await visitor.open("/nothing")];
    for (const { headers } of answers) {
      expect(headers["x-frame-options"]).toBe("DENY");
      expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
      expect(headers["content-security-policy"]).toContain("default-src 'none'");
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers["referrer-policy"]).toBe("no-referrer");
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
    expect(answers[0]?.headers["set-cookie"]?.[0]).toMatch(/HttpOnly; SameSite=Strict/);
  });

  test("whose name leads to this machine sees nothing of the terms", async () => {
    const { port } = new URL(origin);
    for (const host of [`evil.example:${port}`, `127.0.0.1:${port}`, `localhost.evil.example:${port}`, "localhost"]) {
      const heard = await call(origin + path(), { headers: { host } });
      expect(heard.status).toBe(403);
      expect(heard.text).not.toMatch(/acme|CTV Sports|USD/i);
    }
  });
});

describe("looking is not deciding", () => {
  test("a link, an image or a prefetch decides nothing, whatever its address says", async () => {
    verifies("promise.no_approving_argument");
    const visitor = new Visitor(origin);
    const token = await visitor.token(path());
    const query = new URLSearchParams({ token, ...approve() });
    for (const address of [
      `${path()}?${query}`,
      `${path()}/approve?${query}`,
      `${path()}/passkey?${query}`,
      `/?${query}`,
    ])
      await visitor.open(address);
    await undecided();
  });

  test("another method, another type and a method in disguise decide nothing", async () => {
    const visitor = new Visitor(origin);
    const token = await visitor.token(path());
    const body = new URLSearchParams({ token, ...approve() }).toString();
    const { host } = new URL(origin);
    const own = { host, origin, cookie: visitor.cookie, "sec-fetch-site": "same-origin" };
    const form = "application/x-www-form-urlencoded";
    const tries: readonly Promise<Heard>[] = [
      call(origin + path(), { method: "PUT", headers: { ...own, "content-type": form }, body }),
      call(origin + path(), { method: "PATCH", headers: { ...own, "content-type": form }, body }),
      call(origin + path(), {
        method: "GET",
        headers: { ...own, "content-type": form, "x-http-method-override": "POST" },
        body,
      }),
      call(origin + path(), { method: "POST", headers: { ...own, "content-type": "text/plain" }, body }),
      call(origin + path(), {
        method: "POST",
        headers: { ...own, "content-type": "application/json" },
        body: JSON.stringify({ token, ...approve() }),
      }),
    ];
    await Promise.all(tries);
    await undecided();
  });

  test("an approval of no line, of another line or of an unknown decision decides nothing", async () => {
    for (const fields of [
      { ...approve(), line: "" },
      { ...approve(), line: "0".repeat(64) },
      { ...approve(), decision: "" },
      { ...approve(), decision: "__proto__" },
      { ...approve(), person: "../dana" },
      { ...approve(), person: "__proto__" },
    ]) {
      const heard = await decideAs(origin, approvalId, fields);
      expect(heard.status, JSON.stringify(fields)).not.toBe(303);
    }
    await undecided();
  });
});

// The last, for it locks a person out.
describe("guessing a PIN", () => {
  test("over the pages of several processes at once there are five tries, and then the right one is refused too", async () => {
    verifies("ask.page");
    const second = await desk.spawn();
    const theirs = await waiting(second);
    expect(theirs.origin).not.toBe(origin);
    const guesses = Array.from({ length: 6 }, (_, n) =>
      decideAs(n % 2 === 0 ? origin : theirs.origin, approvalId, {
        ...approve(),
        person: "lee",
        pin: `a guess at it ${n}`,
      }),
    );
    const heard = await Promise.all(guesses);
    for (const { status } of heard) expect(status).toBeGreaterThanOrEqual(400);
    expect(heard.filter(({ text }) => /locked/i.test(text))).toHaveLength(1);
    for (const page of [origin, theirs.origin]) {
      const right = await decideAs(page, approvalId, { ...approve(), person: "lee", pin: "another phrase 9" });
      expect(right.status).toBeGreaterThanOrEqual(400);
      expect(right.text).toMatch(/locked/i);
    }
    await undecided();
    // Nobody else is locked out by it, and what was never guessed still decides.
    const dana = await decideAs(theirs.origin, approvalId, approve());
    expect(dana.status, dana.text).toBe(303);
    const reply = await model.ok("approve", { approval_id: approvalId, wait_s: 30 });
    expect(reply.at("status"), reply.text).toBe("booked");
    expect(reply.at("decided")).toMatchObject({ by: "dana", via: "page" });
  });
});
