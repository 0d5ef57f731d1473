import type { HttpOptions, Phase } from "./http.ts";
import type { Access } from "./seller.ts";

/** One AdCP answer as it came: a flat JSON object (status, adcp_error, task_id, …and the body), whatever carried it. */
export type Envelope = Readonly<Record<string, unknown>>;

/** A way to run AdCP tasks at one seller's agent: MCP or A2A. Knows nothing of what the tasks mean. */
export interface Carrier {
  readonly name: "mcp" | "a2a";
  /**
   * The tasks the agent lists, each with the argument names its input schema allows; null where the schema is open
   * (additionalProperties not false), missing or empty. A2A cards list skills only: null for each, and the tasks that
   * calling has proved are added, since known sellers' cards leave some out.
   * @throws SellerFailure
   */
  tasks(access: Access): Promise<ReadonlyMap<string, ReadonlySet<string> | null>>;
  /**
   * Runs one task and returns its envelope; also an error envelope (`adcp_error`, `errors`) is returned, not thrown.
   * A session or card that is needed first is fetched under the deadline of discovery, and its failure is definite.
   * @param args the arguments as frozen JSON text of an object, as `JSON.stringify` writes it: a re-send hands over
   * this same text, and then sends the same arguments byte for byte
   * @param phase booking: sent at most once ever per call, the access' signal does not end the waiting; others may be
   * repeated once on a fresh connection when the socket broke, or in a new session when the seller forgot the old one
   * @throws SellerFailure; `definite` only where no byte of the task's own request can have reached the seller, or the
   * transport understood it and did nothing (JSON-RPC -32601/-32602 unknown tool / invalid params, HTTP 401/403/404
   * before it ran)
   */
  call(task: string, args: string, phase: Phase, access: Access): Promise<Envelope>;
  /** The seller's clock against ours in milliseconds, by its last `Date` header, in whole 30 s steps (positive: theirs is ahead). */
  aheadMs(): number;
  /** Ends what is open; calls in flight fail. */
  close(): Promise<void>;
}

/** Where an AdCP agent is, and how it is reached. */
export interface AgentOptions extends Omit<HttpOptions, "origin"> {
  /** The whole address of the agent as the operator wrote it, e.g. `https://ads.example/mcp`; nothing is sent to another origin. */
  readonly url: string;
}
