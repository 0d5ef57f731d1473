import { join } from "node:path";
import { anchor } from "../../src/buying/anchor.ts";
import type { PersonsDecision } from "../../src/buying/decision.ts";
import type { Ports } from "../../src/buying/ports.ts";
import type { Desk } from "../../src/desk.ts";
import { statementOf, statementText } from "../../src/domain/decision.ts";
import type { Ledger, Row } from "../../src/ledger/ledger.ts";
import { toRow, type StoredRow } from "../../src/ledger/rows.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { verifySignature } from "../../src/people/verify.ts";
import type { Signatures } from "../../src/audit/check-decisions.ts";
import { pin, quickKeys, signedWord } from "../people.ts";
import { type Bench, type Change, item, openBench, products, quoted } from "../buying/desk-bench.ts";

/** A desk that bought in every way there is, over real sellers, with real signatures, in a real ledger. */
export interface Story {
  readonly bench: Bench;
  readonly file: string;
  readonly ports: Ports;
  readonly signatures: Signatures;
  /** References by what became of them. */
  readonly refs: Readonly<
    Record<
      "signed" | "some" | "left" | "form" | "rejected" | "auto" | "lost" | "mismatched" | "told" | "denied",
      string
    >
  >;
  readonly approvals: Readonly<Record<"signed" | "some" | "form" | "rejected", string>>;
  /** The ledger as it was stored, in order of arrival. */
  readonly stored: readonly StoredRow[];
  close(): Promise<void>;
}

const withAuto: Change = (standard) => {
  const mandate = Object(standard["mandate"]);
  const auto = { per_buy: "2000.00 USD", per_day: "5000.00 USD" };
  return { ...standard, mandate: { ...mandate, channels: { ...mandate.channels, auto } } };
};

/** Plays the story once; the rows are not changed afterwards. */
export async function playStory(): Promise<Story> {
  const bench = await openBench(withAuto);
  const { desk, sandbox } = bench;
  const file = join(bench.home, "acme", "ledger.db");
  const people = quickKeys(join(bench.home, "acme", "people"));
  await people.setPin("dana", pin);
  // The keys of the story do not change, and hundreds of forged ledgers are held against them.
  const verified = new Map<string, Promise<boolean>>();
  const signatures: Signatures = {
    verify: (text, signature) => {
      const asked = JSON.stringify([text, signature]);
      const answer = verified.get(asked) ?? verifySignature(people, text, signature);
      verified.set(asked, answer);
      return answer;
    },
  };

  const quote = async (product: string, budget: string, campaign = "Spring") =>
    (await quoted(desk, item(product, { budget }), { campaign })).loaded.ref;
  const ask = async (...refs: readonly string[]) => {
    const outcome = await desk.buy({ refs, poNumber: "PO-7", campaign: null, by: "local" }, 10_000);
    return outcome.approvalId ?? "none";
  };
  const signed = async (approvalId: string, decision: "approve" | "reject", lines?: readonly string[]) => {
    const approval = await desk.approval(approvalId);
    const digests = lines && approval.lines.filter(({ ref }) => lines.includes(ref)).map(({ digest }) => digest);
    const said = { decision, digests: digests ?? null, via: "terminal", by: "dana", note: "as planned" } as const;
    const statement = { ...said, decidedAt: new Date().toISOString() };
    const proof = await people.sign("dana", pin, statementText(statementOf(desk.settings.name, approval, statement)));
    if (!proof) throw new Error("the PIN does not open the key");
    const signature = { kind: "key" as const, person: "dana", ...proof };
    await desk.decide(approvalId, { ...statement, principal: null, wordOf: "server", signature }, 10_000);
    return approvalId;
  };
  const byForm = async (approvalId: string) => {
    const said: PersonsDecision = {
      ...{ decision: "approve", digests: null, via: "form", by: "dana", principal: null, wordOf: "client", note: null },
      decidedAt: new Date().toISOString(),
      signature: null,
    };
    await desk.decide(approvalId, said, 10_000);
    return approvalId;
  };

  const signedRef = await quote(products.sports, "40000 USD");
  const signedApproval = await signed(await ask(signedRef), "approve");
  const [some, left] = [await quote(products.radio, "9000 USD"), await quote(products.weather, "8000 USD")];
  const someApproval = await signed(await ask(some, left), "approve", [some]);
  const form = await quote(products.display, "7000 USD", "Autumn");
  const formApproval = await byForm(await ask(form));
  const rejected = await quote(products.local, "6000 USD", "Autumn");
  const rejectedApproval = await signed(await ask(rejected), "reject");
  const auto = await quote(products.display, "1200 USD", "Autumn");
  await ask(auto);
  sandbox.fault("northbeam", { kind: "drop-answer", operation: "deal", uses: 1 });
  const lost = await quote(products.display, "5000 USD", "Autumn");
  await byForm(await ask(lost));
  await desk.refresh([lost]);
  sandbox.fault("northbeam", { kind: "price-drift", operation: "deal", uses: 1 });
  const mismatched = await quote(products.display, "4000 USD", "Autumn");
  await byForm(await ask(mismatched));
  const word = { verdict: "cleared", note: "the invoice will be at the approved price" } as const;
  await desk.clear(mismatched, await signedWord(desk, mismatched, word));
  const unknown = async (budget: string) => {
    sandbox.fault("northbeam", { kind: "error-text", operation: "deal", uses: 1 });
    const ref = await quote(products.display, budget, "Autumn");
    await byForm(await ask(ref));
    return ref;
  };
  const told = await unknown("3000 USD");
  await desk.settle(told, await signedWord(desk, told, { dealId: "NB-BY-MAIL", note: "Kim wrote that it stands" }));
  const denied = await unknown("2500 USD");
  await desk.settle(denied, await signedWord(desk, denied, { note: "Kim wrote that there is none" }));
  await desk.cancel(auto, "dana");

  const ports = portsOn(desk, await openSqliteLedger({ file }), signatures);
  await anchor(ports, "the end of the story");
  const stored = (await ports.ledger.history({})).map(storedOf);
  return {
    bench,
    file,
    ports,
    signatures,
    refs: { signed: signedRef, some, left, form, rejected, auto, lost, mismatched, told, denied },
    approvals: { signed: signedApproval, some: someApproval, form: formApproval, rejected: rejectedApproval },
    stored,
    close: async () => {
      await ports.ledger.close();
      await bench.close();
    },
  };
}

/** What the functions of `buying/` need that call no seller. */
export function portsOn(desk: Desk, ledger: Ledger, signatures: Signatures): Ports {
  const none = () => Promise.reject(new Error("no seller is called here"));
  return {
    settings: desk.settings,
    ledger,
    cache: { get: none, set: none, delete: none, clear: none },
    directory: {
      all: () => desk.sellers(),
      find: (id) => desk.seller(id),
      connect: () => {
        throw new Error("no seller is called here");
      },
      resolved: async (record) => record,
      verified: async (record) => record,
      search: none,
      evidence: none,
      introduce: none,
    },
    strategies: [],
    signatures,
    holder: "test",
    now: () => new Date(),
    newId: () => crypto.randomUUID(),
    sleep: () => Promise.resolve(),
    log: () => undefined,
  };
}

/** Rows as the table has them. */
function storedOf(row: Row): StoredRow {
  const { seq, stream, version, kind, status, at, hash } = row;
  const columns = { flow_id: row.flowId, append_id: row.appendId, at, entries: row.stored, hash };
  return { seq, stream, version, kind, status, ...columns };
}

/** Stored rows as the ledger gives them. */
export function rowsOf(stored: readonly StoredRow[]): readonly Row[] {
  return stored.map((one) => {
    const row = decoded.get(one) ?? toRow(one);
    decoded.set(one, row);
    return row;
  });
}

/** Hundreds of forged ledgers share all rows but a few. */
const decoded = new WeakMap<StoredRow, Row>();
