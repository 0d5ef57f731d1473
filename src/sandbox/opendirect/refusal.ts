/** A JSON object under the lower-case names of OpenDirect 2.1. */
export type Json = Readonly<Record<string, unknown>>;

/** One entry of `errors`: OpenDirect 2.1, error object. */
export interface OpenDirectError {
  readonly code: string;
  readonly message: string;
}

/** Ends a request with a status and what is wrong. How it is written is the server's business. */
export class OpenDirectRefusal extends Error {
  readonly status: number;
  readonly errors: readonly OpenDirectError[];

  constructor(status: number, errors: readonly OpenDirectError[]) {
    super(`refused with ${status}`);
    this.name = "OpenDirectRefusal";
    this.status = status;
    this.errors = errors;
  }
}

/** 400 with one error: the request, or the line's state, does not allow it. */
export function wrong(code: string, message: string): OpenDirectRefusal {
  return new OpenDirectRefusal(400, [{ code, message }]);
}

/** 404. */
export function missing(what: string): OpenDirectRefusal {
  return new OpenDirectRefusal(404, [{ code: "NotFound", message: `There is no such ${what}.` }]);
}

/** 405, without a reason a buyer could take for a decision. */
export function notServed(): OpenDirectRefusal {
  return new OpenDirectRefusal(405, []);
}
