import type { Json } from "./state.ts";

/** What a buyer may do about an error: AdCP 3.1, error handling. */
export type Recovery = "transient" | "correctable" | "terminal";

/** Ends a task with an AdCP error. */
export class AdcpRefusal extends Error {
  readonly error: Json;

  constructor(error: Json) {
    super(`refused with ${String(error["code"])}`);
    this.name = "AdcpRefusal";
    this.error = error;
  }
}

/** An error with its code of the AdCP catalogue, our words, and what the buyer may do. */
export function refusal(code: string, message: string, recovery: Recovery = "correctable", more: Json = {}) {
  return new AdcpRefusal({ code, message, recovery, ...more });
}

/** The envelope that carries an error: once fatal, once in the payload's list, as both generations of buyers read. */
export function failed(error: Json): Json {
  return { status: "failed", adcp_error: error, errors: [error], message: error["message"] };
}
