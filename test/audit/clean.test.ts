import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AuditReport, audit } from "../../src/audit/audit.ts";
import { type ExportHead, readExport, writeExport } from "../../src/audit/jsonl.ts";
import { auditPage } from "../../src/audit/page.ts";
import { type Scope, select } from "../../src/audit/select.ts";
import { type AuditAsk, type AuditPorts, auditCommand } from "../../src/commands/audit.ts";
import { markText } from "../../src/domain/anchor.ts";
import type { Row } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { edited, madeAnew } from "./forger.ts";
import { playStory, rowsOf, type Story } from "./story.ts";

let story: Story;
let rows: readonly Row[];
let report: AuditReport;
const everything: Scope = { campaign: null, since: null, until: null };
const headOf = (scope: Scope): ExportHead => ({
  ...{ audit: 1, desk: "acme", sandbox: false, scope, exported_at: "2026-11-20T12:00:00.000Z" },
});
const against = () => ({ signatures: story.signatures, mandate: null, noted: [] });

beforeAll(async () => {
  story = await playStory();
  rows = rowsOf(story.stored);
  report = await audit("acme", rows, against());
}, 60_000);
afterAll(() => story?.close());

describe("a ledger that nobody touched", () => {
  test("has nothing off, whatever was bought and however", async () => {
    expect(report.findings).toEqual([]);
    const states = Object.values(story.refs).map((ref) => report.book.lines.get(ref)?.state?.status);
    expect(states).toEqual([
      "booked",
      "booked",
      "open",
      "booked",
      "open",
      "cancelled",
      "booked",
      "booked",
      "booked",
      "declined",
    ]);
    expect(await audit("acme", [], against())).toMatchObject({ findings: [], anchor: null, unanchored: 0 });
  });

  test("says of each decision what proves it", () => {
    const proofs = Object.fromEntries(
      report.decisions.map(({ approvalId, decision, proof }) => [approvalId, `${decision} ${proof}`]),
    );
    expect(proofs).toMatchObject({
      [story.approvals.signed]: "approve signed",
      [story.approvals.some]: "approve signed",
      [story.approvals.rejected]: "reject signed",
      [story.approvals.form]: "approve word",
    });
  });

  test("is covered by its newest anchor, whose mark is that of all rows before it", () => {
    expect(report.anchor?.mark).toMatchObject({ upTo: rows.length - 1, rows: rows.length - 1 });
    expect(report.unanchored).toBe(1);
    expect(report.now).toMatchObject({ upTo: rows.length, rows: rows.length });
  });

  test("is another ledger without the keys that are kept outside of it, or under another desk's name", async () => {
    const nobody = { verify: () => Promise.resolve(false) };
    const without = await audit("acme", rows, { ...against(), signatures: nobody });
    expect(without.findings.filter(({ what }) => what.includes("does not verify"))).toHaveLength(7);
    expect((await audit("other", rows, against())).findings.length).toBeGreaterThan(0);
  });
});

describe("an export", () => {
  test("holds every row as it was hashed, and verifies from the file alone", async () => {
    const read = readExport(Buffer.from(writeExport(headOf(everything), rows)));
    expect(read).toEqual({ head: headOf(everything), links: rows, findings: [] });
  });

  test("of a campaign shows its lines whole and of others only place and hash, and verifies too", async () => {
    const scope = { ...everything, campaign: "Spring" };
    const links = select("acme", rows, scope) ?? [];
    const text = writeExport(headOf(scope), links);
    const read = readExport(Buffer.from(text));
    expect(read.findings).toEqual([]);
    const part = await audit("acme", read.links, against());
    expect(part.findings).toEqual([]);
    expect([...part.book.lines.keys()].sort()).toEqual([story.refs.signed, story.refs.some, story.refs.left].sort());
    expect(part.now).toEqual(report.now);
    const other = links.filter(({ stream }) => stream === `quote/${story.refs.form}`);
    expect(other.length).toBeGreaterThan(3);
    for (const link of other) expect(Object.keys(link)).toEqual(["seq", "stream", "version", "hash", "withheld"]);
  });

  test("of a period ends where it ends, at every moment of the story", async () => {
    for (const { at } of rows) {
      const until = new Date(Date.parse(at) + 1).toISOString();
      const links = select("acme", rows, { ...everything, until }) ?? [];
      expect(links.length).toBeGreaterThan(0);
      expect((await audit("acme", links, { ...against(), endsEarly: true })).findings, until).toEqual([]);
    }
    const last = rows.at(-1)?.at ?? "";
    const since = select("acme", rows, { ...everything, since: last }) ?? [];
    expect(since.length === 0 || since.length === rows.length).toBe(true);
    expect(select("acme", rows, { ...everything, campaign: "Winter" })).toBeNull();
    expect(select("acme", rows, { ...everything, since: "2100-01-01T00:00:00.000Z" })).toBeNull();
  });

  test("cannot withhold what a verdict rests on", async () => {
    const hidden = rows.map((row) =>
      row.stream === `approval/${story.approvals.signed}`
        ? { seq: row.seq, stream: row.stream, version: row.version, hash: row.hash, withheld: true as const }
        : row,
    );
    expect(readExport(Buffer.from(writeExport(headOf(everything), hidden))).findings).not.toEqual([]);
    const scope = { ...everything, campaign: "Spring" };
    const read = readExport(Buffer.from(writeExport(headOf(scope), hidden)));
    expect(read.findings).toEqual([]);
    expect((await audit("acme", read.links, against())).findings).toContainEqual({
      ...{ stream: `quote/${story.refs.signed}`, version: expect.any(Number) },
      what: `was started on ${story.approvals.signed}, and approval/${story.approvals.signed} is missing`,
    });
  });
});

describe("the page", () => {
  const pageOf = (one: AuditReport) =>
    auditPage(one, {
      head: headOf(everything),
      advertiser: "Acme <Outdoor>",
      mandate: story.bench.desk.settings.mandate,
    });

  test("tells of every buy who approved which terms how, what the seller booked, and where the money is", () => {
    const page = pageOf(report);
    for (const words of [
      ...["Nothing is off", "Signature verifies", "The client's word; no signature", "with the PIN in the terminal"],
      ...[
        "within the operator&#39;s auto-approval limits",
        "booked as approved",
        "BOOKED ON OTHER TERMS",
        "no answer that settles it",
      ],
      ...["the seller cancelled the deal", "PO-7", "as planned", "Acme &lt;Outdoor&gt;", "of 1,000,000.00 USD a day"],
      ...[story.refs.signed, story.approvals.some, markText(report.now), "Frozen request"],
    ])
      expect(page, words).toContain(words);
    expect(page).not.toMatch(/<script|https?:\/\/|makes no sense/);
    expect(page).toContain('<td class="bad">8.36 USD</td>');
  });

  test("says first what is off", async () => {
    const forged = madeAnew(
      edited(
        story.stored,
        ({ entries }) => entries.includes("approval_decided"),
        (text) => text.replace("as planned", "<b>fine</b>"),
      ),
    );
    const page = pageOf(await audit("acme", rowsOf(forged), against()));
    expect(page.indexOf("do not rely on this ledger")).toBeGreaterThan(0);
    expect(page.indexOf("do not rely on this ledger")).toBeLessThan(page.indexOf("Media buys"));
    expect(page).toContain("&lt;b&gt;fine&lt;/b&gt;");
    expect(page).toContain("Does not hold");
  });
});

describe("the command", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "mbm-audit-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const plain: AuditAsk = { ...everything, out: null, verify: false, file: null, noted: [] };
  async function run(ask: Partial<AuditAsk>, change: Partial<AuditPorts> = {}) {
    const printed: string[] = [];
    const said: string[] = [];
    const ledger = await openSqliteLedger({ file: story.file });
    const ports: AuditPorts = {
      ...{ desk: "acme", advertiser: "Acme Outdoor", sandbox: false, mandate: story.bench.desk.settings.mandate },
      ledger: () => Promise.resolve(ledger),
      signatures: story.signatures,
      now: () => new Date("2026-11-20T12:00:00Z"),
      print: (text) => printed.push(text),
      say: (text) => said.push(text),
      ...change,
    };
    try {
      const code = await auditCommand(ports, { ...plain, ...ask });
      return { code, printed: printed.join("\n"), said: said.join("\n") };
    } finally {
      await ledger.close();
    }
  }

  test("verifies the desk's own ledger, and prints the mark to note", async () => {
    const { code, printed } = await run({ verify: true });
    expect(printed).toContain("Nothing is off.");
    expect(printed).toContain(markText(report.now));
    expect(printed).toContain("3 decisions with a signature that verifies.");
    expect(printed).toContain("3 settlements with a signature that verifies.");
    expect(printed).toContain(`The client's word, no signature: ${story.approvals.form}, dana (form).`);
    expect(code).toBe(0);
    const again = await run({ verify: true, noted: [markText(report.now).slice(0, 30)] });
    expect(again.code).toBe(0);
    const other = await run({ verify: true, noted: [`${report.now.upTo}-${"0".repeat(64)}`, "my mark"] });
    expect(other.code).toBe(1);
    expect(other.printed).toContain("does not hold");
    expect(other.printed).toContain('"my mark" is no mark');
  });

  test("writes a page and the rows into a folder, once, for its user only; and verifies that file", async () => {
    const out = join(folder, "pack");
    const first = await run({ out });
    expect(first.code).toBe(0);
    expect(first.printed).toBe("");
    expect(statSync(join(out, "ledger.jsonl")).mode & 0o077).toBe(0);
    expect(readFileSync(join(out, "audit.html"), "utf8")).toContain("Nothing is off");
    expect((await run({ out })).code).toBe(2);
    const verified = await run({ verify: true, file: join(out, "ledger.jsonl") });
    expect(verified).toMatchObject({ code: 0, printed: expect.stringContaining("Nothing is off.") });
    const text = readFileSync(join(out, "ledger.jsonl"), "utf8");
    const changed = join(folder, "changed.jsonl");
    writeFileSync(changed, text.replace("as planned", "as plannee"));
    const bad = await run({ verify: true, file: changed });
    expect(bad.code).toBe(1);
    expect(bad.printed).toContain(`OFF  approval/${story.approvals.signed}, version`);
  });

  test("prints only rows to stdout where no folder is named", async () => {
    const { code, printed, said } = await run({ campaign: "Autumn" });
    expect(code).toBe(0);
    expect(readExport(Buffer.from(`${printed}\n`)).findings).toEqual([]);
    expect(said).toContain("Note this mark");
  });

  test("refuses what it cannot do, and writes nothing then", async () => {
    const out = join(folder, "none");
    expect(await run({ out, campaign: "Winter" })).toMatchObject({ code: 2, printed: "" });
    for (const since of ["yesterday", "2026-13-01", "2026-11-20T12:00:00+01:00"])
      expect((await run({ out, since })).code).toBe(2);
    expect((await run({ verify: true, campaign: "Spring" })).code).toBe(2);
    expect((await run({ file: "ledger.jsonl" })).code).toBe(2);
    await expect(run({ verify: true, file: join(folder, "nowhere.jsonl") })).rejects.toThrow("ENOENT");
    expect(existsSync(out)).toBe(false);
  });
});
