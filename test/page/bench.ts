import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Approval, type ApprovalEvent, type ApprovalLine, foldApproval } from "../../src/domain/approval.ts";
import { statementText } from "../../src/domain/decision.ts";
import { BuyingError } from "../../src/domain/errors.ts";
import { streams } from "../../src/domain/ids.ts";
import { parseMoney } from "../../src/domain/money.ts";
import { shortCode } from "../../src/domain/terms.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import type { PageDecision, PageDesk } from "../../src/page/page-desk.ts";
import { type ApprovalPage, approvalPage } from "../../src/page/server.ts";
import type { PeopleKeys } from "../../src/people/keys.ts";
import { pinTries } from "../../src/people/tries.ts";
import { verifySignature } from "../../src/people/verify.ts";
import { tempFolder } from "../ledger/temp.ts";
import { quickKeys } from "../people.ts";

export const pin = "correct horse battery";
export const start = new Date("2026-11-20T09:05:00.000Z");

/** Files of people with that PIN: sealing a key is slow on purpose, so each person is made once. */
const made = new Map<string, Promise<Buffer>>();

async function copyPerson(name: string, folder: string): Promise<void> {
  const make = async () => {
    const { path, remove } = tempFolder();
    await quickKeys(path).setPin(name, pin);
    const file = readFileSync(join(path, `${name}.json`));
    remove();
    return file;
  };
  const file = made.get(name) ?? make();
  made.set(name, file);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), await file);
}

export interface BenchOptions {
  /** People with that PIN; the first is there by default. */
  readonly people?: readonly string[];
  readonly sandbox?: boolean;
  /** A folder of another bench: then this is a second server of the same desk. */
  readonly beside?: Bench;
  /** What `shortfall` answers. */
  readonly shortfall?: (via: "page" | "passkey", person: string) => string | null;
  readonly port?: number;
  /** Why every decision is refused. */
  readonly refusal?: BuyingError;
}

/** A page over a real ledger, real keys and a real socket; only buying is left out: a decision is checked and written down. */
export interface Bench {
  readonly folder: string;
  readonly page: ApprovalPage;
  readonly origin: string;
  readonly people: PeopleKeys;
  readonly ledger: Ledger;
  /** Decisions that were recorded, in order. */
  readonly decided: readonly (PageDecision & { readonly approvalId: string })[];
  readonly logged: readonly string[];
  /** Opens an approval over these lines. @returns its id */
  ask(lines: readonly ApprovalLine[], changes?: Partial<Opened>): Promise<string>;
  append(approvalId: string, event: ApprovalEvent): Promise<void>;
  approval(approvalId: string): Promise<Approval>;
  /** Moves the desk's clock. */
  later(minutes: number): void;
  close(): Promise<void>;
}

type Opened = Extract<ApprovalEvent, { kind: "approval_opened" }>;

/** Starts a page with its desk. */
export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  const { people: names = ["dana"], sandbox = false, beside, shortfall = () => null, port = null, refusal } = options;
  const folder = beside ? null : tempFolder();
  const path = folder?.path ?? beside?.folder ?? "";
  let now = start;
  const ledger = await openSqliteLedger({ file: join(path, "ledger.db"), now: () => now });
  const people = quickKeys(join(path, "people"));
  if (!beside) await Promise.all(names.map((name) => copyPerson(name, join(path, "people"))));
  const decided: (PageDecision & { readonly approvalId: string })[] = [];
  const logged: string[] = [];
  let opened = 0;

  const approval = async (approvalId: string): Promise<Approval> => {
    const rows = await ledger.read(streams.approval(approvalId));
    let state: Approval | null = null;
    for (const row of rows)
      for (const entry of row.entries) state = foldApproval(approvalId, state, entry as ApprovalEvent, row.at);
    if (state) return state;
    throw new BuyingError("unknown_approval", "This desk holds no such approval.", "fix_arguments");
  };
  const append = async (approvalId: string, event: ApprovalEvent) => {
    const stream = streams.approval(approvalId);
    const version = ((await ledger.head(stream))?.version ?? 0) + 1;
    const status = event.kind === "approval_decided" ? "decided" : "pending";
    await ledger.append([{ stream, version, kind: "approval", status, flowId: approvalId, entries: [event] }]);
  };
  const desk: PageDesk = {
    name: "acme",
    sandbox,
    advertiser: "Acme Outdoor",
    people,
    tries: pinTries(ledger, "acme", () => now),
    log: (message, details) => logged.push(`${message} ${JSON.stringify(details ?? {})}`),
    now: () => now,
    key: async () => createHash("sha256").update(path).digest(),
    approval,
    pending: async () => {
      const heads = await ledger.heads({ kind: "approval", statuses: ["pending"] });
      return Promise.all(heads.map(({ stream }) => approval(stream.slice("approval/".length))));
    },
    spentToday: async () => ({ committed: parseMoney("15000.00 USD"), perDay: parseMoney("100000.00 USD") }),
    shortfall: async (_approval, via, person) => shortfall(via, person),
    decide: async (approvalId, decision) => {
      if (refusal) throw refusal;
      const { decision: word, digests, via, by, note, decidedAt, signature } = decision;
      const { expiresAt } = await approval(approvalId);
      const text = statementText({
        v: 1,
        desk: "acme",
        approval_id: approvalId,
        decision: word,
        digests,
        via,
        by,
        note,
        decided_at: decidedAt,
        expires_at: expiresAt,
      });
      if (signature.person !== by || !(await verifySignature(people, text, signature)))
        throw new BuyingError("signature_invalid", "No proof that holds. Nothing was decided.", "ask_person");
      await append(approvalId, { kind: "approval_decided", v: 1, ...decision });
      decided.push({ ...decision, approvalId });
    },
  };
  const page = approvalPage({ desk, portsFile: join(path, "page-ports.json"), port });

  return {
    folder: path,
    page,
    origin: await page.origin(),
    people,
    ledger,
    decided,
    logged,
    approval,
    append,
    ask: async (lines, changes = {}) => {
      opened += 1;
      const approvalId = `ap_${opened}${beside ? "b" : "a"}f09c2e7d41`;
      await append(approvalId, {
        kind: "approval_opened",
        v: 1,
        lines,
        expiresAt: "2026-11-21T09:28:00.000Z",
        why: ["channels.auto is not set: a person decides every buy", "first buy from harborview: a person decides it"],
        proposer: "Claude Desktop",
        campaign: "Acme Q1",
        poNumber: "PO-4711",
        shortCode: shortCode(lines.map(({ digest }) => digest)),
        ...changes,
      });
      return approvalId;
    },
    later: (minutes) => {
      now = new Date(now.getTime() + minutes * 60_000);
    },
    close: async () => {
      await page.close();
      await ledger.close();
      folder?.remove();
    },
  };
}
