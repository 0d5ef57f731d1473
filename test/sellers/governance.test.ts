import type { RequestListener } from "node:http";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Carrier, Envelope } from "../../src/sellers/adcp-carrier.ts";
import { checkGovernance, type GovernanceAsk } from "../../src/sellers/governance.ts";
import { anonymous, json, serve, to } from "./loopback.ts";

const now = new Date("2026-11-20T12:00:00Z");
const approved = {
  check_id: "c1",
  verdict: "approved",
  status: "completed",
  plan_id: "plan-1",
  explanation: "within the plan",
  expires_at: "2026-11-20T13:00:00Z",
  governance_context: "ey.J.x",
};
const { verdict: _, ...noVerdict } = approved;

/** A governance agent that speaks plain JSON over HTTP; what carries AdCP does not matter here. */
function over(origin: string, aheadMs = 0, patience = 10_000): Carrier {
  const http = to(origin, { timeouts: { media_kit: patience } });
  return {
    name: "mcp",
    tasks: async () => new Map(),
    call: async (task, body, phase, access) => {
      const { json: answer } = await http.send({ method: "POST", path: `/${task}`, body, phase }, access);
      return Object(answer);
    },
    aheadMs: () => aheadMs,
    close: async () => undefined,
  };
}

/** Answers without a network, for the many answers of the property below. */
function giving(answer: Envelope): Carrier {
  return { ...over("http://127.0.0.1:1"), call: async () => answer };
}

function ask(carrier: Carrier, more: Partial<GovernanceAsk> = {}) {
  return checkGovernance({
    carrier,
    planId: "plan-1",
    caller: "https://buyer.example",
    tool: "create_media_buy",
    payload: { packages: [{ budget: 10 }] },
    phase: "purchase",
    access: anonymous,
    now: () => now,
    ...more,
  });
}

describe("an approval", () => {
  test.each([
    ["3.1", approved],
    ["3.0", { ...noVerdict, status: "approved" }],
    ["of an agent that writes both", { ...approved, status: "approved" }],
    ["3.1 without a status", { ...approved, status: undefined }],
  ])("%s passes, with its token", async (_, answer) => {
    const { origin } = await serve(json(answer));
    expect(await ask(over(origin))).toEqual({
      kind: "approved",
      context: "ey.J.x",
      expiresAt: "2026-11-20T13:00:00Z",
      said: "within the plan",
    });
  });

  test("is asked for with the whole request, and the version's fields take nothing over", async () => {
    const bodies: unknown[] = [];
    const { origin, got } = await serve(async (incoming, outgoing) => {
      bodies.push(JSON.parse(Buffer.concat(await incoming.toArray()).toString("utf8")));
      json({ ...approved, governance_context: undefined })(incoming, outgoing);
    });
    const answer = await ask(over(origin), { version: { adcp_version: "3.1", plan_id: "other" } });
    expect(answer).toMatchObject({ kind: "approved", context: null });
    expect(got[0]?.url).toBe("/check_governance");
    expect(bodies).toEqual([
      {
        adcp_version: "3.1",
        plan_id: "plan-1",
        caller: "https://buyer.example",
        tool: "create_media_buy",
        payload: { packages: [{ budget: 10 }] },
        phase: "purchase",
      },
    ]);
  });

  test("informs, with the agent's words cleaned and capped", async () => {
    const findings = [
      { category_id: "budget\u202e", severity: "warning", explanation: "<b>close</b> to the | limit" },
      "nothing",
      ...Array.from({ length: 8 }, (_, n) => ({
        category_id: `c${n}`,
        severity: "info",
        explanation: "x".repeat(500),
      })),
    ];
    const { said } = await ask(giving({ ...approved, explanation: 5, findings }));
    expect(said).toMatch(/^warning: budget: ‹b›close‹\/b› to the ¦ limit; info: c0: x+…; .*; and 4 more$/);
    expect(said?.length).toBeLessThan(1_200);
  });
});

describe("no approval", () => {
  const finding = { category_id: "brand_safety", severity: "critical", explanation: "alcohol" };
  test.each<[string, object, RegExp]>([
    ["denied, 3.1", { ...approved, verdict: "denied", findings: [finding] }, /denied this\.$/],
    ["denied, 3.0", { ...noVerdict, status: "denied" }, /denied this\.$/],
    [
      "conditions",
      { ...approved, verdict: "conditions", conditions: [{ field: "budget", reason: "less" }] },
      /sets conditions/,
    ],
    [
      "conditions beside an approval",
      { ...approved, conditions: [{ field: "budget", reason: "less" }] },
      /under conditions/,
    ],
    ["a completed call without a verdict", noVerdict, /no decision that we know/],
    ["another spelling", { ...approved, verdict: "Approved" }, /no decision that we know/],
    [
      "an empty verdict beside a status that approves",
      { ...approved, verdict: null, status: "approved" },
      /no decision that we know/,
    ],
    ["true", { ...approved, verdict: true }, /no decision that we know/],
    ["nothing", {}, /no decision that we know/],
    ["later", { status: "submitted", task_id: "t" }, /has not decided yet/],
    ["an approval of a call that failed", { ...approved, status: "failed" }, /contradicts itself/],
    ["an approval whose status denies", { ...approved, status: "denied" }, /contradicts itself/],
    [
      "an approval with an error",
      { ...approved, adcp_error: { code: "X", message: "no\u0000" } },
      /answered with an error/,
    ],
    ["an approval with errors", { ...approved, errors: [{ code: "X" }] }, /answered with an error/],
    ["another plan", { ...approved, plan_id: "plan-2" }, /about another plan/],
    ["expired", { ...approved, expires_at: "2026-11-20T12:00:00Z" }, /has expired/],
    ["no end", { ...approved, expires_at: undefined }, /until when/],
    ["an end nobody can read", { ...approved, expires_at: "tomorrow" }, /until when/],
    ["a token with a line break", { ...approved, governance_context: "a\r\nb" }, /cannot be passed on/],
  ])("%s", async (_, answer, why) => {
    const { origin } = await serve(json(answer));
    const got = await ask(over(origin));
    expect(got).toMatchObject({ kind: "not_approved", why: expect.stringMatching(why) });
  });

  test("tells the agent's words apart from ours", async () => {
    const got = await ask(giving({ ...approved, verdict: "denied", findings: [finding] }));
    expect(got).toEqual({
      kind: "not_approved",
      why: "The governance agent denied this.",
      said: "within the plan; critical: brand_safety: alcohol",
    });
  });

  test("one that has expired by the agent's own clock; one that is behind makes it last no longer", async () => {
    const { origin } = await serve(json({ ...approved, expires_at: "2026-11-20T12:00:20Z" }));
    expect(await ask(over(origin, 30_000))).toMatchObject({ why: expect.stringMatching(/has expired/) });
    expect(await ask(over(origin, -3_600_000))).toMatchObject({ kind: "approved" });
    const late = { now: () => new Date("2026-11-20T12:00:21Z") };
    expect(await ask(over(origin, -3_600_000), late)).toMatchObject({ kind: "not_approved" });
  });

  test.each<[string, RequestListener, RegExp]>([
    ["silence", () => undefined, /did not answer .* within 0.2 s/],
    ["a broken line", (incoming) => incoming.socket.destroy(), /could not be asked/],
    ["a redirect", (_, outgoing) => outgoing.writeHead(302, { location: "/x" }).end(), /not followed/],
    [
      "a page",
      (_, outgoing) => outgoing.writeHead(500, { "content-type": "text/html" }).end("approved"),
      /no decision/,
    ],
  ])("%s", async (what, listener, why) => {
    const { origin } = await serve(listener);
    expect(await ask(over(origin, 0, what === "silence" ? 200 : undefined))).toMatchObject({
      kind: "not_approved",
      why: expect.stringMatching(why),
    });
  });

  test("whatever the agent answers, only the exact word passes", async () => {
    const others = ["denied", "conditions", "completed", "Approved", "approved ", ["approved"], null, 1];
    const word = fc.oneof(fc.constant<unknown>("approved"), fc.constantFrom<unknown>(...others));
    const answers = fc.record(
      {
        verdict: word,
        status: word,
        plan_id: fc.constantFrom("plan-1", "plan-2"),
        expires_at: fc.constantFrom<unknown>("2026-11-20T13:00:00Z", "2026-11-20T11:00:00Z", null),
        conditions: fc.constantFrom<unknown>([], [{}], null),
        adcp_error: fc.constantFrom<unknown>({ code: "X" }, null),
      },
      { requiredKeys: [] },
    );
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(answers, async (answer) => {
        if ((await ask(giving(answer))).kind === "not_approved") return;
        passed += 1;
        expect("verdict" in answer ? answer.verdict : answer.status).toBe("approved");
        expect(answer.expires_at).toBe("2026-11-20T13:00:00Z");
        expect(answer.adcp_error ?? null).toBeNull();
        expect(answer.plan_id ?? "plan-1").toBe("plan-1");
      }),
      { numRuns: 2_000 },
    );
    expect(passed).toBeGreaterThan(0);
  });
});
