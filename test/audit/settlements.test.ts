import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audit } from "../../src/audit/audit.ts";
import { auditPage } from "../../src/audit/page.ts";
import { loadBalances, loadLine, spendRow } from "../../src/buying/lines.ts";
import { markText } from "../../src/domain/anchor.ts";
import { policyDigest, policyStatement } from "../../src/domain/policy.ts";
import { memoryLedger } from "../../src/ledger/memory.ts";
import type { StoredRow } from "../../src/ledger/rows.ts";
import { verifies } from "../requirements.ts";
import { pin, signedWord } from "../people.ts";
import { edited, madeAnew } from "./forger.ts";
import { playStory, rowsOf, type Story } from "./story.ts";

let story: Story;

beforeAll(async () => {
  story = await playStory();
}, 60_000);
afterAll(() => story?.close());

const auditOf = (rows: readonly StoredRow[], noted: readonly string[] = []) =>
  audit("acme", rowsOf(rows), { signatures: story.signatures, mandate: null, noted });
const findingsOf = async (rows: readonly StoredRow[], noted?: readonly string[]) =>
  (await auditOf(rows, noted)).findings.map(({ stream, what }) => `${stream} ${what}`);
const pageOf = async (rows: readonly StoredRow[]) => {
  const scope = { campaign: null, since: null, until: null };
  const head = { audit: 1, desk: "acme", sandbox: false, scope, exported_at: "2026-11-20T09:00:00.000Z" } as const;
  return auditPage(await auditOf(rows), { head, advertiser: "Acme Outdoor", mandate: null });
};
const holding = (kind: string, ref: string) => (row: StoredRow) =>
  row.entries.includes(`"kind":"${kind}"`) && (row.stream === `quote/${ref}` || row.entries.includes(`"ref":"${ref}"`));
/** Entries as a release wrote them that kept no signature. */
const asOld = (text: string) =>
  text.replace('"v":2', '"v":1').replace(/,"decidedAt":"[^"]*","signature":\{[^}]*\}/, "");
const unsignedKinds = /settled_by_person|mismatch_cleared|incident_cleared/;
const allOld = () =>
  madeAnew(
    story.stored.map((row) => (unsignedKinds.test(row.entries) ? { ...row, entries: asOld(row.entries) } : row)),
  );

describe("what a person settled or cleared", () => {
  test("is there with its proof, once each, and the page shows it", async () => {
    verifies("promise.settle");
    const { settlements, findings } = await auditOf(story.stored);
    expect(findings).toEqual([]);
    const { mismatched, told, denied } = story.refs;
    expect(settlements.map(({ ref, verdict, dealId, by, proof }) => [ref, verdict, dealId, by, proof])).toEqual([
      [mismatched, "cleared", null, "dana", "signed"],
      [told, "booked", "NB-BY-MAIL", "dana", "signed"],
      [denied, "not_booked", null, "dana", "signed"],
    ]);
    const page = await pageOf(story.stored);
    for (const words of [
      "Settled by a person",
      "Booked as NB-BY-MAIL",
      "Kim wrote that there is none",
      "3 settlements",
    ])
      expect(page.includes(words), words).toBe(true);
  });

  test("cannot be changed by somebody who makes every hash anew: verdict, deal, name, note, time, signature", async () => {
    const { mismatched, told, denied } = story.refs;
    const every: readonly ((text: string) => string)[] = [
      (text) => text.replace('"by":"dana"', '"by":"erin"'),
      (text) => text.replace('"note":"', '"note":"not '),
      (text) => text.replace(/"decidedAt":"2/, '"decidedAt":"1'),
      (text) => text.replace(/"signature":"./, (start) => `${start.slice(0, -1)}${start.endsWith("A") ? "B" : "A"}`),
      (text) => text.replace(/"signature":\{.*?\}/, '"signature":null'),
      (text) => text.replace(/,"signature":\{.*?\}/, ""),
      (text) => text.replace(/"signature":\{.*?\}/, '"signature":"yes"'),
      (text) => text.replace(/"person":"dana"/, '"person":"erin"'),
    ];
    const places = [
      ["settled_by_person", told],
      ["settled_by_person", denied],
      ["mismatch_cleared", mismatched],
      ["incident_cleared", mismatched],
    ] as const;
    for (const [kind, ref] of places)
      for (const change of every) {
        const rows = edited(story.stored, holding(kind, ref), change);
        expect(await findingsOf(madeAnew(rows)), `${kind} ${change}`).toContainEqual(
          expect.stringMatching(/ is (settled|cleared).* by .*, (with|cannot be read)/),
        );
        expect((await pageOf(madeAnew(rows))).includes("Does not hold"), `${kind} ${change}`).toBe(true);
      }
    const deal = edited(story.stored, holding("settled_by_person", told), (text) =>
      text.replaceAll("NB-BY-MAIL", "NB-BY-FAX"),
    );
    expect((await findingsOf(madeAnew(deal))).join("\n")).toContain("with a signature that does not verify");
    // What the person did not name is what was approved, so a price is no forger's to choose either.
    const dearer = edited(story.stored, holding("settled_by_person", told), (text) =>
      text.replace(/("deal":.*?"cpm":\{"micros":")/, "$19"),
    );
    expect((await findingsOf(madeAnew(dearer))).join("\n")).toContain("settled as booked, but unit_price");
  });

  test("cannot be made up: without a signature, with one for another line, or with one that was used before", async () => {
    const { mismatched, form } = story.refs;
    const cleared = await signedWord(story.bench.desk, mismatched, { verdict: "cleared" });
    const forged = async (entry: object, ref = form) => {
      const rows = [...story.stored];
      const ports = { ...story.ports, ledger: memoryLedger({ rows }) };
      const { line, flowId } = await loadLine(ports, ref);
      const holds = line.booking?.holding;
      if (!holds) throw new Error("it was booked");
      const by = { ...holds.amount, micros: 1n };
      await ports.ledger.append([
        spendRow(ports, await loadBalances(ports), flowId, [
          { kind: "overspent", v: 1, holding: holds, by, why: "unit_price" },
        ]),
      ]);
      await ports.ledger.append([
        spendRow(ports, await loadBalances(ports), flowId, [
          { kind: "incident_cleared", v: 2, ref, ...cleared, ...entry },
        ]),
      ]);
      return findingsOf(rows);
    };
    const spend = "spend/acme is cleared by dana";
    expect(await forged({ signature: null })).toEqual([`${spend}, without a signature`]);
    expect(await forged({})).toEqual([`${spend}, with a signature that does not verify`]);
    const before = story.stored
      .filter(holding("incident_cleared", mismatched))
      .flatMap(({ entries }): readonly object[] => JSON.parse(entries))
      .find((entry) => "kind" in entry && entry.kind === "incident_cleared");
    expect(await forged(before ?? {}, mismatched)).toEqual([`${spend}, with a signature that ended something before`]);
    expect(await forged(await signedWord(story.bench.desk, mismatched, { verdict: "cleared" }), mismatched)).toEqual(
      [],
    );
    // An entry as old releases wrote it: after signed ones it is not taken for old.
    expect(await forged({ v: 1 }, mismatched)).toEqual([
      expect.stringContaining(`${spend}, without a signature, though`),
    ]);
  });

  test("cannot be made the word of somebody whom the mandate then does not name", async () => {
    const rows = madeAnew(
      edited(
        story.stored,
        ({ kind }) => kind === "policy",
        (text) => {
          const [entry] = JSON.parse(text, (key, value) => (key === "micros" ? BigInt(value) : value));
          const mandate = { ...entry.mandate, people: [{ name: "kim", role: "lead" }] };
          const write = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
          return JSON.stringify([{ ...entry, mandate, digest: policyDigest(mandate) }], write);
        },
      ),
    );
    expect(await findingsOf(rows)).toContain(
      `quote/${story.refs.denied} is settled as not booked by dana, whose word the mandate then does not count: people does not name dana`,
    );
  });
});

describe("rows of a release that kept no signature", () => {
  test("are read, and said to be without one; nothing is off for it", async () => {
    const report = await auditOf(allOld());
    expect(report.findings).toEqual([]);
    expect(report.settlements.map(({ proof }) => proof)).toEqual(["unsigned", "unsigned", "unsigned"]);
    const page = await pageOf(allOld());
    expect(page).toContain("0 settlements with a signature that verifies, 3 without one");
    expect(page).toContain("written as by an earlier release");
  });

  test("can be put in place of signed ones only where nothing signed came before; a noted mark shows that too", async () => {
    const noted = markText((await auditOf(story.stored)).now);
    expect(await findingsOf(allOld(), [noted])).toEqual([expect.stringContaining("that was noted does not hold")]);
    const last = edited(story.stored, holding("settled_by_person", story.refs.denied), asOld);
    expect(await findingsOf(madeAnew(last))).toEqual([
      expect.stringContaining("is settled as not booked by dana, without a signature, though such were signed before"),
    ]);
    // One append is one release's: half of it cannot be older than the other half.
    const half = edited(story.stored, holding("incident_cleared", story.refs.mismatched), asOld);
    expect((await findingsOf(madeAnew(half))).join("\n")).toContain(
      "without a signature, though such were signed before",
    );
    const apart = half.map((row) =>
      holding("incident_cleared", story.refs.mismatched)(row) ? { ...row, append_id: "another" } : row,
    );
    expect((await findingsOf(madeAnew(apart))).join("\n")).toContain("is cleared, and its incident was not with it");
  });
});

test("a looser mandate that a person signed as the program asks them to is nothing that is off", async () => {
  const rows = [...story.stored];
  const ledger = memoryLedger({ rows });
  const head = await ledger.head("policy/acme");
  const [adopted] = head?.entries ?? [];
  if (!head || adopted?.kind !== "policy_adopted") throw new Error("a mandate was adopted");
  const mandate = { ...adopted.mandate, perBuy: { ...adopted.mandate.perBuy, micros: 10n ** 15n } };
  const adopt = async (text: string) => {
    const proof = await story.bench.desk.people.sign("dana", pin, text);
    if (!proof) throw new Error("the PIN does not open the key");
    const signature = { kind: "key", person: "dana", ...proof } as const;
    const table = [...rows];
    const { stream, kind, status, flowId } = head;
    const entry = { ...adopted, mandate, digest: policyDigest(mandate), by: "dana", loosened: ["per_buy"], signature };
    await memoryLedger({ rows: table }).append([{ stream, version: 2, kind, status, flowId, entries: [entry] }]);
    return findingsOf(table);
  };
  expect(await adopt(policyStatement("acme", mandate, adopted.mandate))).toEqual([]);
  // One signed for another desk, or after another mandate, does not fit.
  for (const text of [policyStatement("other", mandate, adopted.mandate), policyStatement("acme", mandate, null)])
    expect(await adopt(text)).toEqual([expect.stringContaining("without a signature of dana that verifies")]);
});
