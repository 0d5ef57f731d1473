import type { Operation } from "../faults.ts";
import type { Answer } from "../wire.ts";
import type { Json } from "./refusal.ts";
import type { OpenDirectRuntime } from "./runtime.ts";

/** One request, as its handler meets it. */
export interface OpenDirectCall {
  readonly seller: OpenDirectRuntime;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** What follows the `?`, as sent. */
  readonly search: string;
  readonly method: string;
  /** Whether there is a body at all. */
  readonly hasBody: boolean;
  /** The body under the names of 2.1; a bad one is refused here. */
  body(): Json;
}

/** An endpoint below the base path. Answers carry the names of 2.1; the server spells them. */
export interface OpenDirectRoute {
  readonly methods: readonly string[];
  /** Segments in braces are handed over in `params`. */
  readonly path: string;
  readonly operation: Operation | ((call: OpenDirectCall) => Operation);
  readonly handle: (call: OpenDirectCall) => Answer;
}
