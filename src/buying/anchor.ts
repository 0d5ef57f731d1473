import { headsOf, type Mark, markAfter, noMark } from "../domain/anchor.ts";
import { streams } from "../domain/ids.ts";
import type { Row } from "../ledger/ledger.ts";
import { decideAndAppend } from "./lines.ts";
import type { Ports } from "./ports.ts";

/**
 * Notes where the whole ledger stands: the heads of every stream that moved since the last anchor, and the mark of all
 * rows so far. From then on a row that is changed, removed or moved shows, whatever stream it is in; and a copy of the mark
 * kept elsewhere shows it even to somebody whose ledger was written anew. Writes nothing when nothing happened since.
 * @param flowId the flow that gave the reason for it
 */
export async function anchor(ports: Ports, flowId: string): Promise<void> {
  const stream = streams.anchor(ports.settings.name);
  await decideAndAppend(ports, async () => {
    const last = await ports.ledger.head(stream);
    const before = markOf(last);
    const later = await rowsAfter(ports, before.upTo);
    if (later.every((row) => row.stream === stream)) return { rows: [], result: undefined };
    const entry = { kind: "anchored" as const, v: 1 as const, heads: headsOf(later), covers: markAfter(before, later) };
    const version = (last?.version ?? 0) + 1;
    return {
      rows: [{ stream, version, kind: "anchor", status: "noted", flowId, entries: [entry] }],
      result: undefined,
    };
  });
}

/** The mark of an anchor; without one everything is still to be covered. */
function markOf(last: Row | undefined): Mark {
  const entry = last?.entries.find(({ kind }) => kind === "anchored");
  return entry?.kind === "anchored" ? entry.covers : noMark;
}

async function rowsAfter(ports: Ports, seq: number): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (;;) {
    const page = await ports.ledger.history({ after: rows.at(-1)?.seq ?? seq, limit: 500 });
    rows.push(...page);
    if (page.length < 500) return rows;
  }
}
