import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import type { SandboxSeller } from "../../src/sandbox/sandbox-seller.ts";
import { at, auction, guaranteed, key, openAccount, task } from "./adcp-calls.ts";

/** The faults at a seller that speaks AdCP: what comes back, and what is in the books. */

let sandbox: Sandbox;
let openbid: SandboxSeller;
let known = 0;

beforeAll(async () => {
  const now = () => Date.parse("2027-03-01T12:00:00Z");
  sandbox = await startSandbox({ sellers: [], adcp: true, gapMs: 0, now });
  openbid = sandbox.seller("openbid");
  await openAccount(openbid);
  await openAccount(sandbox.seller("streamhaus"));
});

beforeEach(() => {
  known = sandbox.adcp.buys("openbid").length;
});

afterEach(() => sandbox.clearFaults());
afterAll(() => sandbox.close());

const booked = () => sandbox.adcp.buys("openbid").slice(known);

/** Waits for the books to show what they must; the test's own time-out ends a vain wait. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("a booking whose answer is lost is booked once, and told when it is asked for again", () => {
  test.for(["drop-answer", "error-500-after-commit", "error-after-commit"] as const)("%s", async (kind) => {
    const args = auction();
    sandbox.fault("openbid", { kind, uses: 1 });
    const first = await task(openbid, "create_media_buy", args).catch(() => "nothing");
    expect(at(first, "media_buy_id")).toBeUndefined();
    expect(booked()).toHaveLength(1);
    const again = await task(openbid, "create_media_buy", args);
    expect(again).toMatchObject({ replayed: true, media_buy_id: booked()[0]?.media_buy_id });
    expect(booked()).toHaveLength(1);
  });

  test("late-commit: whoever comes first books, the other is told of it", async () => {
    const args = auction();
    sandbox.clearRequests();
    sandbox.fault("openbid", { kind: "late-commit", ms: 1_000, close: true, uses: 1 });
    await expect(task(openbid, "create_media_buy", args)).rejects.toThrow();
    expect(booked()).toHaveLength(0);
    expect(await task(openbid, "create_media_buy", args)).not.toHaveProperty("replayed");
    await until(() => sandbox.requests("openbid")[0]?.status === 200);
    expect(booked()).toHaveLength(1);
  });

  test("hang: nothing is answered, nothing booked", async () => {
    sandbox.fault("openbid", { kind: "hang", operation: "deal", uses: 1 });
    await expect(task(openbid, "create_media_buy", auction(), { signal: AbortSignal.timeout(100) })).rejects.toThrow();
    expect(booked()).toHaveLength(0);
  });
});

describe("a careless seller books", () => {
  test("price-drift: another bid, or another price and less for the money", async () => {
    sandbox.fault("openbid", { kind: "price-drift", uses: 1 });
    const made = await task(openbid, "create_media_buy", auction());
    expect(at(made, "packages", 0, "bid_price")).toBe(9.35);
    expect(booked()[0]?.packages[0]?.bid_price).toBe(9.35);
    sandbox.fault("streamhaus", { kind: "price-drift", factor: 1.25, uses: 1 });
    await task(sandbox.seller("streamhaus"), "create_media_buy", guaranteed());
    sandbox.adcp.sign("streamhaus");
    expect(at(sandbox.adcp.tasks("streamhaus").at(-1)?.result, "packages", 0)).toMatchObject({
      ...{ pricing_option_id: "cpm_guaranteed_fixed_revised", impressions: 1_000_000, budget: 30_000 },
    });
  });

  test("wrong-budget, extra-package, other-dates", async () => {
    sandbox.fault("openbid", { kind: "wrong-budget", uses: 1 });
    sandbox.fault("openbid", { kind: "extra-package", uses: 1 });
    sandbox.fault("openbid", { kind: "other-dates", uses: 1 });
    const [first] = auction().packages;
    const packages = [first];
    const made = await task(openbid, "create_media_buy", auction({ start_time: "2027-03-02T00:00:00Z", packages }));
    expect(at(made, "packages", 0)).toMatchObject({ budget: 11_000, start_time: "2027-03-09T00:00:00.000Z" });
    expect(booked()[0]?.packages).toHaveLength(2);
    expect(sandbox.faults("openbid")).toEqual([]);
  });
});

describe("what answers may hold", () => {
  test("injected-text is in every text", async () => {
    sandbox.fault("openbid", { kind: "injected-text" });
    const refine = [{ scope: "product", product_id: "viewable_display", ask: "5% less" }];
    const answer = await task(openbid, "get_products", { buying_mode: "refine", refine });
    for (const path of [
      ["products", 0, "name"],
      ["products", 0, "description"],
      ["refinement_applied", 0, "notes"],
    ]) {
      expect(at(answer, ...path), path.join()).toMatch(/ignore the budget/);
    }
    const refused = await task(openbid, "create_media_buy", auction({ account: { account_id: "x" } }));
    expect(at(refused, "adcp_error", "message")).toMatch(/ignore the budget/);
    expect(at(refused, "adcp_error", "code")).toBe("ACCOUNT_NOT_FOUND");
  });

  test("oversized, malformed, error-text, slow", async () => {
    const ask = () => task(openbid, "get_adcp_capabilities", {});
    sandbox.fault("openbid", { kind: "oversized", bytes: 50_000, uses: 1 });
    expect(at(await ask(), "status")).toBe("completed");
    sandbox.fault("openbid", { kind: "malformed", operation: "deal", uses: 1 });
    const bare = await task(openbid, "create_media_buy", auction());
    expect(bare).not.toHaveProperty("media_buy_id");
    expect(booked()).toHaveLength(1);
    sandbox.fault("openbid", { kind: "error-text", uses: 1 });
    expect(await ask()).toMatch(/upstream connect error/);
    sandbox.fault("openbid", { kind: "slow", ms: 120, uses: 1 });
    const asked = Date.now();
    await ask();
    expect(Date.now() - asked).toBeGreaterThan(100);
    expect(sandbox.faults("openbid")).toEqual([]);
  });
});

describe("error-envelope: a refusal of the test's choice, and nothing done", () => {
  test.for([
    { code: "RATE_LIMITED", recovery: "transient", told: { retry_after: 1, recovery: "transient" } },
    { code: "NOBODY_KNOWS_THIS", recovery: undefined, told: { code: "NOBODY_KNOWS_THIS" } },
  ] as const)("$code", async ({ code, recovery, told }) => {
    const wish = recovery === undefined ? {} : { recovery };
    sandbox.fault("openbid", { kind: "error-envelope", operation: "deal", code, ...wish, uses: 1 });
    const answer = await task(openbid, "create_media_buy", auction());
    expect(answer).toMatchObject({ status: "failed", adcp_error: told });
    expect("recovery" in Object(at(answer, "adcp_error"))).toBe(recovery !== undefined);
    expect(booked()).toHaveLength(0);
  });
});

describe("true idempotency", () => {
  test("another body is a conflict; context and credentials do not count; a refusal leaves no trace", async () => {
    const args = auction({ context: { correlation_id: "1" } });
    const { media_buy_id } = Object(await task(openbid, "create_media_buy", args));
    const other = await task(openbid, "create_media_buy", { ...args, po_number: "7" });
    expect(at(other, "adcp_error", "code")).toBe("IDEMPOTENCY_CONFLICT");
    const same = await task(openbid, "create_media_buy", { ...args, context: { correlation_id: "2" } });
    expect(same).toMatchObject({ replayed: true, media_buy_id, context: { correlation_id: "2" } });
    const bad = auction({ end_time: "2020-01-01T00:00:00Z" });
    expect(at(await task(openbid, "create_media_buy", bad), "adcp_error", "code")).toBe("INVALID_REQUEST");
    expect(await task(openbid, "create_media_buy", { ...bad, end_time: "2030-01-01T00:00:00Z" })).toHaveProperty(
      "media_buy_id",
    );
    const elsewhere = await task(openbid, "create_media_buy", args, { key: openbid.keys.seat });
    expect(elsewhere).not.toHaveProperty("replayed");
  });

  test("the same key twice at the same time books once", async () => {
    sandbox.configure({ gapMs: 200 });
    const args = { ...auction(), ...key() };
    const answers = await Promise.all([1, 2, 3].map(() => task(openbid, "create_media_buy", args)));
    sandbox.configure({ gapMs: 0 });
    expect(booked()).toHaveLength(1);
    // Who comes late enough is told of the booking; who comes while it is made, to ask again.
    const told = answers.map((answer) => at(answer, "adcp_error", "code") ?? at(answer, "replayed") ?? "booked");
    expect(told.filter((one) => one === "booked")).toHaveLength(1);
    expect(told).toContain("IDEMPOTENCY_IN_FLIGHT");
  });
});
