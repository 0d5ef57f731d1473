import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { openDesk } from "../../src/desk.ts";
import { policyStatement } from "../../src/domain/policy.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { formDecision, pin, signedDecision } from "../people.ts";
import { verifies } from "../requirements.ts";
import { balancesOf, bookingDesk, ledgerOf, operatorOf, sent, whileItWaits, withMandate } from "./booking-fixtures.ts";
import { approving, at } from "./client.ts";
import { dealsOf, quoteFrom, type TestDesk } from "./fixtures.ts";

// Servers start here, and a PIN is slow to check on purpose.
vi.setConfig({ testTimeout: 60_000 });

test.concurrent("above the limit of one person a second one must approve, and only then it is sent", async () => {
  verifies("promise.mandate_limits");
  await whileItWaits(
    async ({ desk, operator, client, ref, approvalId }) => {
      const first = await operator.decideOnly(approvalId, await signedDecision(operator, approvalId));
      expect([first.approval.status, first.started, first.approval.endorsed?.by]).toEqual(["pending", [], "dana"]);
      const twice = operator.decideOnly(approvalId, await signedDecision(operator, approvalId));
      await expect(twice).rejects.toMatchObject({ code: "outside_mandate" });
      expect(sent(desk, "deal")).toBe(0);
      await operator.decideOnly(approvalId, await signedDecision(operator, approvalId, { by: "kim" }));
      const booked = await client.ok("approve", { approval_id: approvalId, wait_s: 20 });
      expect(booked.at("status"), booked.text).toBe("booked");
      expect(dealsOf(desk, ref)).toBe(1);
    },
    { config: withMandate({ two_persons_above: "1000.00 USD" }) },
  );
});

test.concurrent("where two people must approve, a client's word for them counts for neither, and nobody is asked by form", async () => {
  verifies("promise.mandate_limits");
  const why = "two_persons_above asks for two people with a PIN or passkey; decide on the page or in the terminal";
  await whileItWaits(
    async ({ desk, operator, client, asked, approvalId }) => {
      expect(asked.at("status"), asked.text).toBe("awaiting_approval");
      expect(asked.text).toContain(why);
      expect(client.questions).toEqual([]);
      const byWord = async (by: string) => {
        for (const via of ["form", "card"] as const) {
          const given = operator.decideOnly(approvalId, formDecision({ via, by, principal: "local" }));
          await expect(given).rejects.toMatchObject({ code: "outside_mandate", message: expect.stringContaining(why) });
        }
      };
      await byWord("one client user");
      await byWord("another client user");
      expect((await operator.approval(approvalId)).endorsed).toBeNull();
      await operator.decideOnly(approvalId, await signedDecision(operator, approvalId));
      await byWord("one client user");
      expect((await operator.approval(approvalId)).status).toBe("pending");
      expect(sent(desk, "deal")).toBe(0);
    },
    { config: withMandate({ two_persons_above: "1000.00 USD" }), person: approving },
  );
});

test.concurrent("a signature over another decision, or by nobody, decides nothing", async () => {
  verifies("approval.gate");
  await whileItWaits(async ({ operator, approvalId }) => {
    const good = await signedDecision(operator, approvalId);
    for (const bad of [
      { ...good, signature: null },
      { ...good, by: "kim" },
      { ...good, note: "another note" },
      { ...good, via: "page" as const },
      { ...good, decision: "reject" as const },
    ])
      await expect(operator.decideOnly(approvalId, bad)).rejects.toMatchObject({ code: "signature_invalid" });
    for (const decidedAt of [new Date(Date.now() + 100 * 86_400_000).toISOString(), "soon"]) {
      const late = operator.decideOnly(approvalId, await signedDecision(operator, approvalId, { decidedAt }));
      await expect(late).rejects.toMatchObject({ code: "approval_expired" });
    }
    expect((await operator.approval(approvalId)).status).toBe("pending");
    expect((await operator.decideOnly(approvalId, good)).approval.status).toBe("approved");
  });
});

test.concurrent("a decision written into the ledger past this program, signed by a key that is nobody's here, books nothing", async () => {
  verifies("approval.gate", "promise.fail_closed");
  await whileItWaits(async ({ desk, client, approvalId }) => {
    await client.close();

    expect(await forge(desk, approvalId, "dana")).toContain("approval_decided");
    const later = await desk.connect();
    const reply = await later.ok("approve", { approval_id: approvalId, wait_s: 20 });
    expect(reply.at("status"), reply.text).toBe("refused");
    expect(at(reply.list("not_bought")[0], "code")).toBe("signature_invalid");
    expect(sent(desk, "deal")).toBe(0);
    expect((await balancesOf(desk))?.total.micros).toBe(0n);
  });
});

test.concurrent("a second person does not make up for a first one who was forged", async () => {
  verifies("approval.gate");
  await whileItWaits(
    async ({ desk, operator, client, approvalId }) => {
      await client.close();
      expect(await forge(desk, approvalId, "kim")).toEqual(["approval_endorsed"]);
      await operator.decideOnly(approvalId, await signedDecision(operator, approvalId));
      const later = await desk.connect();
      const reply = await later.ok("approve", { approval_id: approvalId, wait_s: 20 });
      expect(reply.at("status"), reply.text).toBe("refused");
      expect(at(reply.list("not_bought")[0], "code")).toBe("signature_invalid");
      expect(sent(desk, "deal")).toBe(0);
    },
    { config: withMandate({ two_persons_above: "1000.00 USD" }) },
  );
});

test.concurrent("a looser mandate in the config does not count until a person approved it", async () => {
  verifies("promise.mandate_limits");
  const tight = { per_buy: "5000.00 USD", per_day: "100000.00 USD" };
  const desk = await bookingDesk({ config: withMandate(tight) });
  const file = join(desk.directory, "config.json");
  try {
    const first = await desk.connect();
    const large = await quoteFrom(first, { impressions: 200_000 });
    const small = await quoteFrom(first, { impressions: 100_000 });
    await first.ok("create_media_buy", { lines: [{ quote_id: small }] });
    writeFileSync(
      file,
      JSON.stringify(withMandate({ per_buy: "50000.00 USD" })(JSON.parse(readFileSync(file, "utf8")))),
    );

    const later = await desk.connect();
    const refused = await later.call("create_media_buy", { lines: [{ quote_id: large }] });
    expect(at(refused.error, "code"), refused.text).toBe("outside_mandate");
    expect(refused.text).toContain("per_buy is 5,000.00 USD");

    const operator = operatorOf(desk);
    try {
      const { inForce, waiting } = await operator.policy();
      expect(waiting).toEqual(["per_buy: 5,000.00 USD becomes 50,000.00 USD"]);
      const { mandate, name } = operator.settings;
      if (!mandate || !inForce) throw new Error("no mandate");
      await operator.people.setPin("dana", pin);
      const sign = async (text: string) => {
        const proof = await operator.people.sign("dana", pin, text);
        if (!proof) throw new Error("the PIN does not open the key");
        return { kind: "key" as const, person: "dana", ...proof };
      };
      // Signed over the wrong one of the two, it is no approval.
      const wrong = operator.approvePolicy("dana", await sign(policyStatement(name, inForce, inForce)));
      await expect(wrong).rejects.toMatchObject({ code: "signature_invalid" });
      await operator.approvePolicy("dana", await sign(policyStatement(name, mandate, inForce)));
      expect((await operator.policy()).waiting).toEqual([]);
    } finally {
      await operator.close();
    }
    const asked = await later.ok("create_media_buy", { lines: [{ quote_id: large }] });
    expect(asked.at("status"), asked.text).toBe("awaiting_approval");
  } finally {
    await desk.close();
  }
});

/**
 * Writes a person's decision into a desk's ledger past the program: made on a copy of its files, where the forger sets a
 * PIN for that person, and appended as it came out there. No server may run meanwhile. @returns the kinds of its entries
 */
async function forge(desk: TestDesk, approvalId: string, by: string): Promise<readonly string[]> {
  const stolen = join(desk.directory, "stolen");
  cpSync(join(desk.directory, "data"), stolen, { recursive: true });
  const config = parseConfig(readFileSync(join(desk.directory, "config.json"), "utf8"), "config.json", {});
  const forger = openDesk({ config, dataHome: stolen, log: () => undefined, sandboxSellers: null });
  const before = await forger.newest();
  await forger.decideOnly(approvalId, await signedDecision(forger, approvalId, { by }));
  await forger.close();
  const copy = await openSqliteLedger({ file: join(stolen, "acme", "ledger.db") });
  const forged = (await copy.history({})).filter(({ seq }) => seq > before);
  await copy.close();
  const ledger = await ledgerOf(desk);
  await ledger.append(
    forged.map(({ stream, version, kind, status, flowId, entries }) => {
      return { stream, version, kind, status, flowId, entries };
    }),
  );
  await ledger.close();
  return forged.flatMap(({ entries }) => entries.map(({ kind }) => kind));
}
