// A process that writes to a ledger; the tests bundle it and start several on one file.
import { once } from "node:events";
import { writeSync } from "node:fs";
import { argv, stdin } from "node:process";
import { noBalances, settleBalances, type SpendEvent } from "../../src/domain/spend.ts";
import { money } from "../../src/domain/money.ts";
import type { Entry } from "../../src/ledger/entries.ts";
import { type Ledger, LedgerConflict, type NewRow, type Row } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";

const [, , mode, file = "", name = "", count = "0"] = argv;

let conflicts = 0;

/** Reads, decides, appends; again after a conflict. A decision of null appends nothing. */
async function decide(ledger: Ledger, decision: () => Promise<readonly NewRow[] | null>): Promise<readonly Row[]> {
  for (;;) {
    const rows = await decision();
    if (rows === null) return [];
    try {
      return await ledger.append(rows);
    } catch (error) {
      if (!(error instanceof LedgerConflict)) throw error;
      conflicts++;
    }
  }
}

async function versionAfter(ledger: Ledger, stream: string): Promise<number> {
  return ((await ledger.head(stream))?.version ?? 0) + 1;
}

function row(stream: string, version: number, entries: readonly Entry[], status = name): NewRow {
  return { stream, version, kind: stream.slice(0, stream.indexOf("/")), status, flowId: name, entries };
}

/** `count` rows on one stream that everybody wants. */
async function race(ledger: Ledger): Promise<number> {
  let won = 0;
  while (won < Number(count)) {
    const appended = await decide(ledger, async () => [
      row("pin/hot", await versionAfter(ledger, "pin/hot"), [{ kind: "pin_tried", v: 1, ok: true }]),
    ]);
    won += appended.length;
  }
  return won;
}

/** Decides `count` approvals, each for one unit of money, as long as nobody else has. */
async function approve(ledger: Ledger): Promise<number> {
  let won = 0;
  for (let approval = 1; approval <= Number(count); approval++) {
    const appended = await decide(ledger, async () => {
      if ((await ledger.head(`approval/${approval}`))?.version !== 1) return null;
      return [row(`approval/${approval}`, 2, []), await spend(ledger, approval), row(`quote/a/${approval}`, 2, [])];
    });
    if (appended.length > 0) won++;
  }
  return won;
}

/** The next row of the spend stream: one unit more than its head says. */
async function spend(ledger: Ledger, approval: number): Promise<NewRow> {
  const head = await ledger.head("spend/desk");
  const carried = head?.entries.find((entry) => entry.kind === "balances");
  const event: SpendEvent = {
    kind: "reserved",
    v: 1,
    holding: {
      ref: `a/${approval}`,
      attempt: 1,
      amount: money(1_000_000n, "USD"),
      day: "2026-11-20",
      via: "auto",
      sellerId: "a",
      channel: null,
      campaign: null,
    },
  };
  const balances = settleBalances(carried?.balances ?? noBalances("USD"), event);
  return row("spend/desk", (head?.version ?? 0) + 1, [event, { kind: "balances", v: 1, balances }]);
}

/** Appends three rows at a time and says so after each, until it is killed. */
async function untilKilled(ledger: Ledger): Promise<never> {
  for (let turn = 1; ; turn++) {
    const [first] = await decide(ledger, async () => [
      await spend(ledger, turn),
      row(`quote/${name}/${turn}`, 1, []),
      row(`deal/${name}/${turn}`, 1, []),
    ]);
    writeSync(1, `${first?.appendId}\n`);
  }
}

const ledger = await openSqliteLedger({ file });
writeSync(1, "ready\n");
await once(stdin, "data");
if (mode === "crash") await untilKilled(ledger);
const won = mode === "race" ? await race(ledger) : await approve(ledger);
await ledger.close();
writeSync(1, `${JSON.stringify({ won, conflicts })}\n`);
