import { expect, test, vi } from "vitest";
import type { Desk } from "../../src/desk.ts";
import { formDecision, signedWord } from "../people.ts";
import { type Bench, type Change, item, openBench, products, quoted } from "./desk-bench.ts";

// A PIN is slow to check on purpose.
vi.setConfig({ testTimeout: 60_000 });

/** A line of which nobody knows whether the seller booked it. */
async function unknown({ desk, sandbox }: Bench): Promise<string> {
  sandbox.fault("northbeam", { kind: "error-text", operation: "deal", uses: 1 });
  return bought(desk);
}

async function bought(desk: Desk): Promise<string> {
  const { ref } = (await quoted(desk, item(products.display, { budget: "3000 USD" }))).loaded;
  const asked = await desk.buy({ refs: [ref], poNumber: null, campaign: null, by: "local" }, 10_000);
  await desk.decide(asked.approvalId ?? "none", formDecision(), 10_000);
  return ref;
}

test("a word that its person did not sign settles nothing and clears nothing", async () => {
  const bench = await openBench();
  const { desk, sandbox } = bench;
  try {
    const ref = await unknown(bench);
    const other = await unknown(bench);
    const good = await signedWord(desk, ref);
    const kim = await signedWord(desk, ref, { by: "kim" });
    for (const bad of [
      { ...good, note: "another note" },
      { ...good, by: "kim" },
      { ...good, dealId: "NB-1" },
      { ...good, decidedAt: new Date(0).toISOString() },
      { ...good, signature: kim.signature },
      { ...good, signature: { ...good.signature, keyId: "0000000000000000" } },
      await signedWord(desk, other),
      await signedWord(desk, ref, { verdict: "cleared" }),
    ])
      await expect(desk.settle(ref, bad)).rejects.toMatchObject({ code: "signature_invalid" });
    expect((await desk.line(ref)).line.status).toBe("booking_unknown");
    expect((await desk.settle(ref, good)).status).toBe("declined");

    sandbox.fault("northbeam", { kind: "price-drift", operation: "deal", uses: 1 });
    const dearer = await bought(desk);
    for (const bad of [await signedWord(desk, dearer), await signedWord(desk, ref, { verdict: "cleared" })])
      await expect(desk.clear(dearer, bad)).rejects.toMatchObject({ code: "signature_invalid" });
    expect((await desk.standing()).balances.incidents).toEqual([dearer]);
    await desk.clear(dearer, await signedWord(desk, dearer, { verdict: "cleared" }));
    expect((await desk.standing()).balances.incidents).toEqual([]);
  } finally {
    await bench.close();
  }
});

test("where the mandate names people, nobody else settles or clears, not even once it is gone from the config", async () => {
  const named: Change = (standard) => ({
    ...standard,
    mandate: {
      ...Object(standard["mandate"]),
      people: [{ name: "kim", role: "lead" }],
      roles: { lead: { terminal: { per_buy: "100000.00 USD", per_day: "100000.00 USD" } } },
    },
  });
  const bench = await openBench(named);
  try {
    const ref = await unknown(bench);
    const without = bench.again((standard) => {
      const { mandate: _, ...rest } = named(standard);
      return rest;
    });
    for (const desk of [bench.desk, without]) {
      expect(await desk.whyNoSay("dana")).toBe("people does not name dana");
      await expect(desk.settle(ref, await signedWord(desk, ref))).rejects.toMatchObject({ code: "outside_mandate" });
    }
    expect(await without.whyNoSay("kim")).toBeNull();
    await without.settle(ref, await signedWord(without, ref, { by: "kim", dealId: "NB-BY-MAIL" }));
    expect((await without.line(ref)).line.status).toBe("booked");
  } finally {
    await bench.close();
  }
});

test("a difference that is cleared while its deal is being cancelled stays cleared, whatever comes of the cancelling", async () => {
  const bench = await openBench();
  const { desk, sandbox } = bench;
  try {
    sandbox.fault("northbeam", { kind: "price-drift", operation: "deal", uses: 1 });
    const ref = await bought(desk);
    sandbox.fault("northbeam", { kind: "error-text", operation: "cancel", uses: 1 });
    expect((await desk.cancel(ref, "dana")).line).toMatchObject({
      status: "cancel_unknown",
      cancelFrom: "terms_mismatch",
    });
    await desk.clear(ref, await signedWord(desk, ref, { verdict: "cleared" }));
    expect((await desk.line(ref)).line).toMatchObject({ status: "cancel_unknown", cancelFrom: "booked" });
  } finally {
    await bench.close();
  }
});
