import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AuditReport, audit } from "../audit/audit.ts";
import { policiesIn } from "../audit/check-bookings.ts";
import type { Signatures } from "../audit/check-decisions.ts";
import { type ExportHead, readExport, writeExport } from "../audit/jsonl.ts";
import { auditPage, findingText } from "../audit/page.ts";
import { type Scope, select } from "../audit/select.ts";
import { markText } from "../domain/anchor.ts";
import type { Mandate } from "../domain/mandate.ts";
import { type Ledger, LedgerUnavailable, type Row } from "../ledger/ledger.ts";
import type { Finding, Link } from "../ledger/verify.ts";

/** What was asked for on the command line. */
export interface AuditAsk {
  readonly campaign: string | null;
  /** A day or an instant, UTC; `since` included, `until` not. */
  readonly since: string | null;
  readonly until: string | null;
  /** Folder for `ledger.jsonl` and `audit.html`; null writes the JSON lines to stdout. */
  readonly out: string | null;
  readonly verify: boolean;
  /** An exported file to verify in the ledger's place. */
  readonly file: string | null;
  /** Marks noted earlier. */
  readonly noted: readonly string[];
}

/** What the command is given by the composition root. */
export interface AuditPorts {
  readonly desk: string;
  readonly advertiser: string;
  readonly sandbox: boolean;
  readonly mandate: Mandate | null;
  /** Opened only where the desk's own ledger is audited. */
  ledger(): Promise<Ledger>;
  /** Checks signatures against the keys beside the ledger, never against anything in it. */
  readonly signatures: Signatures;
  now(): Date;
  /** Stdout: the exported rows, or the verdict. */
  print(text: string): void;
  /** Stderr: everything beside the exported rows. */
  say(text: string): void;
}

/**
 * `media-buyer-mcp audit`: exports a ledger, or the part of a campaign or a period, as JSON lines and a page; `--verify`
 * only checks it, or an exported file. @returns the exit code: 0 nothing is off, 1 something is, 2 it could not be done
 */
export async function auditCommand(ports: AuditPorts, ask: AuditAsk): Promise<number> {
  const bad = problemIn(ask);
  if (bad) {
    ports.say(bad);
    return 2;
  }
  if (ask.file !== null) return verifyFile(ports, ask.file, ask.noted);
  const read = await readLedger(ports);
  if ("findings" in read) return verdict(read.findings, ports.print);
  const report = await audit(ports.desk, read.rows, { ...ports, noted: ask.noted });
  if (ask.verify) return verdict(report.findings, ports.print, report);
  return exportPart(ports, ask, read.rows, report);
}

async function exportPart(ports: AuditPorts, ask: AuditAsk, rows: readonly Row[], whole: AuditReport): Promise<number> {
  const scope: Scope = { campaign: ask.campaign, since: instantOf(ask.since), until: instantOf(ask.until) };
  const links = select(ports.desk, rows, scope);
  if (!links) {
    ports.say("Nothing on this desk is in that scope. Nothing was written.");
    return 2;
  }
  const { desk, sandbox, advertiser, mandate } = ports;
  const head: ExportHead = { audit: 1, desk, sandbox, scope, exported_at: ports.now().toISOString() };
  const text = writeExport(head, links);
  if (ask.out === null) {
    ports.print(text.trimEnd());
  } else {
    const part =
      links === rows ? whole : await audit(desk, links, { ...ports, noted: [], endsEarly: scope.until !== null });
    const files = [
      ["ledger.jsonl", text],
      ["audit.html", auditPage({ ...part, findings: whole.findings }, { head, advertiser, mandate })],
    ] as const;
    await mkdir(ask.out, { recursive: true, mode: 0o700 });
    for (const [name, content] of files) {
      const path = join(ask.out, name);
      if (!(await written(path, content))) {
        ports.say(`${path} is there already, and is left as it is. Name another folder.`);
        return 2;
      }
      ports.say(`Written: ${path}`);
    }
  }
  return verdict(whole.findings, ports.say, whole);
}

async function verifyFile(ports: AuditPorts, file: string, noted: readonly string[]): Promise<number> {
  const { head, links, findings } = readExport(await readFile(file));
  const desk = head?.desk ?? ports.desk;
  const report = await audit(desk, links, { ...ports, noted, endsEarly: head !== null && head.scope.until !== null });
  if (head && head.desk !== ports.desk)
    ports.say(`This is an export of desk ${head.desk}; keys and mandate are those of desk ${ports.desk}.`);
  return verdict([...findings, ...report.findings], ports.print, report);
}

/** Every row, in order of arrival. What the store itself cannot read any more is a finding like any other. */
async function readLedger(
  ports: AuditPorts,
): Promise<{ readonly rows: readonly Row[] } | { readonly findings: readonly Finding[] }> {
  const rows: Row[] = [];
  try {
    const ledger = await ports.ledger();
    for (;;) {
      const page = await ledger.history({ after: rows.at(-1)?.seq ?? 0, limit: 1_000 });
      rows.push(...page);
      if (page.length < 1_000) return { rows };
    }
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error;
    const why = error.cause instanceof Error ? ` (${error.cause.message})` : "";
    return { findings: [{ stream: "ledger", version: rows.length, what: `${error.message}${why}` }] };
  }
}

function verdict(findings: readonly Finding[], say: (text: string) => void, report?: AuditReport): number {
  for (const finding of findings.slice(0, 100)) say(`OFF  ${findingText(finding)}`);
  if (findings.length > 100) say(`OFF  and ${findings.length - 100} more`);
  if (report) for (const line of summary(report)) say(line);
  say(findings.length === 0 ? "Nothing is off." : `Something is off: ${findings.length} findings. Do not rely on it.`);
  return findings.length === 0 ? 0 : 1;
}

function summary({ book, decisions, settlements, anchor, now, unanchored }: AuditReport): readonly string[] {
  const of = (proof: "signed" | "word") => decisions.filter((one) => one.proof === proof);
  const starts = [...book.lines.values()].flatMap(({ steps }) =>
    steps.filter(({ entry }) => entry.kind === "booking_started"),
  );
  const auto = starts.filter(({ entry }) => entry.kind === "booking_started" && entry.booking?.via === "auto");
  const withheld = count(book.links.filter((link: Link) => !("entries" in link)).length, "row");
  return [
    `${count(book.links.length, "row")} (${withheld} shown by place and hash only), ${count(starts.length, "booking")} started.`,
    `${count(of("signed").length, "decision")} with a signature that verifies.`,
    ...(settlements.length > 0
      ? [
          `${count(settlements.filter(({ proof }) => proof === "signed").length, "settlement")} with a signature that verifies.`,
        ]
      : []),
    ...settlements
      .filter(({ proof }) => proof === "unsigned")
      .map(
        ({ ref, by, verdict, row }) =>
          `No signature, as of an earlier release that kept none: ${ref}, ${verdict.replaceAll("_", " ")} by ${by}, ${row.at}.`,
      ),
    ...(auto.length > 0 ? [`${count(auto.length, "booking")} on the operator's auto-approval limits alone.`] : []),
    ...policiesIn(book).map(
      ({ row, entry: { mandate, digest, by, signature } }) =>
        `Mandate ${mandate?.version} counts from ${row.at} (${by}, ${signature ? "signed" : "not signed"}), digest ${String(digest).slice(0, 16)}.`,
    ),
    ...of("word").map(({ approvalId, by, via }) => `The client's word, no signature: ${approvalId}, ${by} (${via}).`),
    ...(anchor
      ? [
          `Newest anchor: version ${anchor.version}, ${anchor.at}, over ${count(anchor.mark.rows, "row")}; ${count(unanchored, "row")} came after it.`,
          `  mark of that anchor: ${markText(anchor.mark)}`,
        ]
      : ["There is no anchor with a mark yet."]),
    `Note this mark where nobody who can write this ledger can change it; --noted <mark> checks it later:`,
    `  ${markText(now)}`,
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

async function written(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function problemIn({ campaign, since, until, out, verify, file }: AuditAsk): string | null {
  const scoped = campaign !== null || since !== null || until !== null;
  if (verify && (scoped || out !== null))
    return "--verify checks all of a ledger, or a file; it takes no scope and no --out.";
  if (!verify && file !== null) return "A file is given to be checked: add --verify.";
  for (const [name, text] of [
    ["--since", since],
    ["--until", until],
  ] as const)
    if (text !== null && !isInstant(text))
      return `${name} takes a day or an instant, e.g. 2026-11-20. Nothing was done.`;
  return null;
}

function isInstant(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/.test(text) && Number.isFinite(Date.parse(text));
}

function instantOf(text: string | null): string | null {
  return text === null ? null : new Date(text).toISOString();
}
