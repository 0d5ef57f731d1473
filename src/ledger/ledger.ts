import type { Entry } from "./entries.ts";

/** One row to add: what happened to one stream, all of it or nothing. */
export interface NewRow {
  readonly stream: string;
  /** The version this row takes: that of the stream's last row plus one, 1 for a new stream. */
  readonly version: number;
  /** First part of the stream's name, for lists. */
  readonly kind: string;
  /** The folded state after this row, so that a list needs no fold. */
  readonly status: string;
  readonly flowId: string;
  readonly entries: readonly Entry[];
}

export interface Row extends NewRow {
  /** Order of arrival over all streams of this ledger. */
  readonly seq: number;
  readonly appendId: string;
  /** UTC instant, ISO 8601, by the clock of the writing process; `version`, never the clock, decides order. */
  readonly at: string;
  /** SHA-256 over the row and the hash of the row before it in its stream. */
  readonly hash: string;
  /** The entries as they are stored: the characters that the hash covers. */
  readonly stored: string;
  /**
   * A kind of entry this release does not know. A fold that meets one must not write that stream; an append after one
   * is refused by the ledger itself.
   */
  readonly unknown: string | null;
}

export interface HeadFilter {
  readonly kind: string;
  readonly statuses?: readonly string[];
  readonly limit?: number;
  /** Only heads that arrived before this `seq`; newest first. */
  readonly before?: number;
}

export interface HistoryFilter {
  readonly flowId?: string;
  readonly stream?: string;
  readonly kind?: string;
  /** UTC instant, inclusive. */
  readonly since?: string;
  /** Only rows after this `seq`; oldest first. */
  readonly after?: number;
  readonly limit?: number;
}

/** Another row took the version: read again and decide again. Nothing was written. */
export class LedgerConflict extends Error {
  readonly streams: readonly string[];
  constructor(streams: readonly string[]) {
    super(`another writer was faster on ${streams.join(", ")}`);
    this.name = "LedgerConflict";
    this.streams = streams;
  }
}

/**
 * The store could not be read or written. Whether an append took effect is settled inside before this is thrown, so
 * nothing was written; only where the store no longer answers at all is `settled` false.
 */
export class LedgerUnavailable extends Error {
  readonly settled: boolean;
  constructor(what: string, cause: unknown, settled = true) {
    super(what, { cause });
    this.name = "LedgerUnavailable";
    this.settled = settled;
  }
}

/**
 * The append-only record of everything that concerns money. An append is one statement over several streams: all its
 * rows are durable or none is. Every implementation passes the ledger contract suite.
 */
export interface Ledger {
  /** All rows of a stream, oldest first. */
  read(stream: string): Promise<readonly Row[]>;
  /** The last row of a stream. */
  head(stream: string): Promise<Row | undefined>;
  /**
   * Appends rows to different streams together, at most one row a stream.
   * @throws LedgerConflict | LedgerUnavailable | BuyingError `newer_release` after a row with an unknown kind of entry
   */
  append(rows: readonly NewRow[]): Promise<readonly Row[]>;
  /** Last rows of streams, newest first. */
  heads(filter: HeadFilter): Promise<readonly Row[]>;
  /** Rows of all streams, oldest first. */
  history(filter: HistoryFilter): Promise<readonly Row[]>;
  /** The newest `seq`, 0 when empty: a cheap way to see that something happened. */
  newest(): Promise<number>;
  close(): Promise<void>;
}
