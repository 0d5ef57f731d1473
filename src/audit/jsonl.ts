import { createHash } from "node:crypto";
import { type StoredRow, toRow } from "../ledger/rows.ts";
import type { Finding, Link } from "../ledger/verify.ts";
import type { Scope } from "./select.ts";

/** First line of an exported ledger. */
export interface ExportHead {
  readonly audit: 1;
  readonly desk: string;
  readonly sandbox: boolean;
  readonly scope: Scope;
  /** UTC instant. */
  readonly exported_at: string;
}

/**
 * An exported ledger as JSON lines: the head, one line a row in order of arrival with its columns as they are stored
 * (`entries` is the very text that was hashed), `withheld` rows with place and hash only, and an end line with the number
 * of rows and the SHA-256 of every byte before it.
 */
export function writeExport(head: ExportHead, links: readonly Link[]): string {
  const body = [head, ...links.map(columnsOf)].map((line) => `${JSON.stringify(line)}\n`).join("");
  return `${body}${JSON.stringify(endOf(Buffer.from(body, "utf8"), links.length))}\n`;
}

/** What a file holds; `findings` name the lines of the file that are not as they were written. */
export interface ReadExport {
  readonly head: ExportHead | null;
  readonly links: readonly Link[];
  readonly findings: readonly Finding[];
}

/** Reads an exported ledger. A line is only taken as it was written, byte for byte; whatever else is a finding. */
export function readExport(bytes: Uint8Array): ReadExport {
  const findings: Finding[] = [];
  const report = (line: number, what: string) => findings.push({ stream: "file", version: line, what });
  const text = new TextDecoder("utf-8").decode(bytes);
  const lines = text.split("\n");
  if (lines.pop() !== "") report(lines.length + 1, "does not end with its end line");
  const read = lines.map((line, index) => {
    const value = parsed(line);
    if (value === null || JSON.stringify(value) !== line) report(index + 1, "is not as it was written");
    return value;
  });
  const head = headIn(read[0]);
  if (!head) report(1, "is not the head of an exported ledger");
  const isWhole = head !== null && Object.values(head.scope).every((limit) => limit === null);
  const links: Link[] = [];
  read.slice(1, -1).forEach((value, index) => {
    const link = linkIn(value);
    if (link) links.push(link);
    if (link && isWhole && !("entries" in link)) report(index + 2, "is withheld, though everything was exported");
    if (!link) report(index + 2, "is no row of a ledger");
  });
  const end = lines.at(-1) ?? "";
  const body = Buffer.from(bytes).subarray(0, bytes.length - Buffer.byteLength(`${end}\n`, "utf8"));
  if (lines.length < 2 || end !== JSON.stringify(endOf(body, lines.length - 2)))
    report(lines.length, "is not the end line of the lines before it: one was changed, removed or added");
  return { head, links, findings };
}

function endOf(body: Buffer, rows: number) {
  return { end: { rows, sha256: createHash("sha256").update(body).digest("hex") } };
}

function columnsOf(link: Link): object {
  if (!("entries" in link)) {
    const { seq, stream, version, hash } = link;
    return { seq, stream, version, hash, withheld: true };
  }
  const { seq, stream, version, kind, status, at, hash } = link;
  const columns: StoredRow = {
    seq,
    stream,
    version,
    kind,
    status,
    flow_id: link.flowId,
    append_id: link.appendId,
    at,
    entries: link.stored,
    hash,
  };
  return columns;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function headIn(value: unknown): ExportHead | null {
  const { audit, desk, sandbox, scope, exported_at } = fieldsOf(value);
  const { campaign, since, until } = fieldsOf(scope);
  if (audit !== 1 || typeof desk !== "string" || typeof sandbox !== "boolean" || typeof exported_at !== "string")
    return null;
  return {
    audit,
    desk,
    sandbox,
    scope: { campaign: textOrNull(campaign), since: textOrNull(since), until: textOrNull(until) },
    exported_at,
  };
}

function linkIn(value: unknown): Link | null {
  const { seq, stream, version, kind, status, flow_id, append_id, at, entries, hash, withheld } = fieldsOf(value);
  if (typeof seq !== "number" || !Number.isSafeInteger(seq) || typeof stream !== "string") return null;
  if (typeof version !== "number" || !Number.isSafeInteger(version) || typeof hash !== "string") return null;
  if (withheld === true) return { seq, stream, version, hash, withheld };
  if (typeof kind !== "string" || typeof status !== "string" || typeof flow_id !== "string") return null;
  if (typeof append_id !== "string" || typeof at !== "string" || typeof entries !== "string") return null;
  return toRow({ seq, stream, version, kind, status, flow_id, append_id, at, entries, hash });
}

function fieldsOf(
  value: unknown,
): Readonly<Partial<Record<keyof StoredRow | keyof ExportHead | keyof Scope | "withheld", unknown>>> {
  return typeof value === "object" && value !== null ? value : {};
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
