import type { FaultKind, Operation } from "./faults.ts";

/** One request as it came in, byte for byte, and what became of it. */
export interface LoggedRequest {
  readonly n: number;
  readonly seller: string;
  /** Milliseconds since 1970 (UTC). */
  readonly at: number;
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly operation: Operation | null;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Names and values as sent, in order, duplicates kept. */
  readonly rawHeaders: readonly string[];
  readonly credential: { readonly via: "x-api-key" | "bearer" | "other" | null; readonly key: string | null };
  readonly body: string;
  faults: readonly FaultKind[];
  /** The status the handler came to, also when the answer was then lost; null while nothing was decided. */
  status: number | null;
  /** Whether an answer left the seller whole. */
  answered: boolean;
}

const kept = 5_000;

/** The last requests of one server, in memory. */
export class RequestLog {
  readonly #seller: string;
  #entries: LoggedRequest[] = [];
  #count = 0;

  constructor(seller: string) {
    this.#seller = seller;
  }

  /** Notes a request; the entry is filled in while it is answered. */
  add(request: Omit<LoggedRequest, "n" | "seller" | "faults" | "status" | "answered">): LoggedRequest {
    this.#count += 1;
    const fresh = { faults: [], status: null, answered: false };
    const entry: LoggedRequest = { n: this.#count, seller: this.#seller, ...request, ...fresh };
    this.#entries.push(entry);
    if (this.#entries.length > kept) this.#entries = this.#entries.slice(-kept);
    return entry;
  }

  /** The requests since the log was last cleared, oldest first. */
  list(): readonly LoggedRequest[] {
    return [...this.#entries];
  }

  /** Forgets them; numbering goes on. */
  clear(): void {
    this.#entries = [];
  }
}
