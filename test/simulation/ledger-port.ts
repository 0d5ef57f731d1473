import type { Ledger, NewRow, Row } from "../../src/ledger/ledger.ts";
import { LedgerConflict, LedgerUnavailable } from "../../src/ledger/ledger.ts";
import { memoryLedger } from "../../src/ledger/memory.ts";
import { lag, strikes, type Process, type World } from "./world.ts";

/**
 * The ledger as one process has it: the memory ledger over the table all processes share, each call a step of the
 * scheduler, with the troubles a store can have.
 */
export function ledgerPort(world: World, process: Process, now: () => Date): Ledger {
  const inner = memoryLedger({ rows: world.rows, now, newId: world.newId });
  const { scheduler, witness } = world;
  const step = <T>(what: string, effect: () => Promise<T>) => scheduler.step(process, what, effect, lag(world));
  const down = () => new LedgerUnavailable("The ledger could not be read", null);
  const readable = <T>(what: string, effect: () => Promise<T>) =>
    step(what, () => (strikes(world, "ledgerFails") ? Promise.reject(down()) : effect()));

  // What the table answers holds until an append changes it: a schedule reads the same rows many times.
  const same = <T>(question: string, ask: () => Promise<T>): Promise<T> => {
    const known = world.answers.get(question);
    if (known !== undefined) return known as Promise<T>;
    const answer = ask();
    world.answers.set(question, answer);
    return answer;
  };

  const forget = (stored: readonly Row[]) => {
    for (const { stream } of stored) for (const how of ["read", "head"]) world.answers.delete(`${how} ${stream}`);
    const lists = new Set(stored.map(({ kind }) => `heads ${kind} `));
    for (const question of world.answers.keys())
      if ([...lists].some((list) => question.startsWith(list))) world.answers.delete(question);
  };

  const commit = async (rows: readonly NewRow[]): Promise<readonly Row[]> => {
    const stored = await inner.append(rows);
    forget(stored);
    witness.appended(stored, process);
    return stored;
  };
  const append = async (rows: readonly NewRow[]): Promise<readonly Row[]> => {
    if (strikes(world, "ledgerFails")) throw new LedgerUnavailable("The ledger could not be written", null);
    if (strikes(world, "ledgerLosesAnswer")) {
      await commit(rows);
      throw new LedgerUnavailable("The ledger did not answer", null, false);
    }
    if (strikes(world, "ledgerIsLate")) {
      scheduler.later(null, `late: ${wordsFor(rows)}`, world.random.between(0, 60_000), () => {
        commit(rows).catch((error: unknown) => {
          if (!(error instanceof LedgerConflict)) witness.accuse("the model", String(error));
        });
      });
      throw new LedgerUnavailable("The ledger did not answer", null, false);
    }
    const stored = await commit(rows);
    witness.acknowledged(stored);
    return stored;
  };
  const appending = world.weakness?.append?.(append, world) ?? append;

  return {
    read: (stream) => readable(`reads ${stream}`, () => same(`read ${stream}`, () => inner.read(stream))),
    head: (stream) => readable(`reads the head of ${stream}`, () => same(`head ${stream}`, () => inner.head(stream))),
    heads: (filter) =>
      readable(`lists ${filter.kind}`, () =>
        same(`heads ${filter.kind} ${JSON.stringify(filter)}`, () => inner.heads(filter)),
      ),
    history: (filter) => readable("reads history", () => inner.history(filter)),
    newest: () => readable("reads the newest", () => inner.newest()),
    append: (rows) => step(`appends ${wordsFor(rows)}`, () => appending(rows)),
    close: async () => undefined,
  };
}

function wordsFor(rows: readonly NewRow[]): string {
  return rows
    .map(({ stream, version, entries }) => `${stream}@${version} ${entries.map(({ kind }) => kind).join("+")}`)
    .join(", ");
}
