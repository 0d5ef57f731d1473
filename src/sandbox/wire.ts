/** What a sandbox seller sends back, before it is put on the socket. */
export interface Answer {
  readonly status: number;
  /** A JSON body, or `text` for the plain ones. */
  readonly body?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A JSON answer. */
export function answer(body: unknown, status = 200): Answer {
  return { status, body };
}

/** Ends a handler with an answer that is not the wished one. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(refusal: Answer) {
    super(`refused with ${refusal.status}`);
    this.name = "Refusal";
    this.answer = refusal;
  }
}

/** `{"detail": {"error", "message", …}}`: how quotes, deals, orders and change requests refuse. */
export function coded(status: number, error: string, message: string, extras: object = {}): Refusal {
  return new Refusal(answer({ detail: { error, message, ...extras } }, status));
}

/** `{"detail": "words"}`: how the catalogue, authentication and negotiations refuse. */
export function worded(status: number, detail: string, headers: Record<string, string> = {}): Refusal {
  return new Refusal({ status, body: { detail }, headers });
}

/** What an unhandled exception of the real seller looks like: text, not JSON. */
export function crashed(): Refusal {
  return new Refusal(crash);
}

/** The text 500 itself. */
export const crash: Answer = { status: 500, text: "Internal Server Error" };

/** One entry of a validation answer (pydantic's shape). */
export interface FieldError {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input: unknown;
  readonly ctx?: unknown;
}

/** `{"detail": [{type, loc, msg, input}]}` with 422: how request validation refuses. */
export function unprocessable(errors: readonly FieldError[]): Refusal {
  return new Refusal(answer({ detail: errors }, 422));
}
