import { BuyingError } from "../domain/errors.ts";
import { type FailureKind, SellerFailure } from "../sellers/seller.ts";
import type { Ports, SellerRecord } from "./ports.ts";

export type SellerStatus = "ok" | "empty" | "timeout" | "unreachable" | "refused" | "invalid_answer";

/** What one of many sellers gave. `late` work goes on, and the same question finds its answer next time. */
export interface Asked<T> {
  readonly record: SellerRecord;
  readonly status: SellerStatus;
  readonly value: T | null;
  /** Our sentence for anything but `ok`; the seller's words travel beside it, labelled. */
  readonly why: string | null;
  readonly sellerSaid: string | null;
}

/**
 * Asks many sellers at once and answers at the deadline at the latest, with a status for each. A slow seller costs
 * nothing but itself; a dead one is named, never dropped. `ask` must keep its own answer (a cache, the ledger), so that
 * what arrives after the deadline is not lost.
 */
export async function askAll<T>(
  ports: Ports,
  records: readonly SellerRecord[],
  deadlineMs: number,
  ask: (record: SellerRecord) => Promise<T>,
): Promise<readonly Asked<T>[]> {
  const stop = new AbortController();
  const over = ports.sleep(deadlineMs, stop.signal).then(
    () => "over" as const,
    () => "over" as const,
  );
  const turn = turns(AT_ONCE);
  const asked = records.map(async (record): Promise<Asked<T>> => {
    const answer = turn(() => ask(record)).then(
      (value): Asked<T> => ({ record, status: "ok", value, why: null, sellerSaid: null }),
      (error: unknown): Asked<T> => failedAsk(ports, record, error),
    );
    const first = await Promise.race([answer, over]);
    if (first !== "over") return first;
    return {
      record,
      status: "timeout",
      value: null,
      why: `no answer within ${deadlineMs} ms; ask again to collect it`,
      sellerSaid: null,
    };
  });
  try {
    return await Promise.all(asked);
  } finally {
    // Without a reason of ours, each of many calls would make an exception, with its stack, for nobody.
    stop.abort("answered");
  }
}

/** Registries may list hundreds of sellers; nobody has so many of their own. */
const AT_ONCE = 64;

/** Lets so much work run at once; the rest waits for its turn. */
function turns(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = atOnce;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}

const statuses: Readonly<Partial<Record<FailureKind, SellerStatus>>> = {
  timeout: "timeout",
  unreachable: "unreachable",
  circuit_open: "unreachable",
  server_error: "unreachable",
  redirected: "invalid_answer",
  too_large: "invalid_answer",
  invalid_answer: "invalid_answer",
};

/** What a failure is called in a list of who was asked. */
export function statusOf({ kind }: SellerFailure): SellerStatus {
  return statuses[kind] ?? "refused";
}

function failedAsk<T>(ports: Ports, record: SellerRecord, error: unknown): Asked<T> {
  if (error instanceof SellerFailure) {
    return {
      record,
      status: statusOf(error),
      value: null,
      why: error.message,
      sellerSaid: error.sellerSaid,
    };
  }
  if (error instanceof BuyingError)
    return { record, status: "refused", value: null, why: error.message, sellerSaid: null };
  // A late failure has nobody left to catch it, so even our own bug ends as this seller's status.
  ports.log("asking a seller failed on our side", { seller: record.id, error: String(error) });
  return {
    record,
    status: "invalid_answer",
    value: null,
    why: "reading its answer failed on our side; the log says why",
    sellerSaid: null,
  };
}
