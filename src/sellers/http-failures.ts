import type { HttpCall } from "./http.ts";
import { type FailureKind, SellerFailure } from "./seller.ts";

/** What an error of a socket, or a status, means: whether anything was sent, and whether the seller is to blame. */

const byStatus: Readonly<Record<number, FailureKind>> = {
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  405: "unsupported",
  408: "server_error",
  410: "gone",
  425: "server_error",
  429: "server_error",
};

/** What an HTTP status that is not a success says, where no protocol says it better. */
export function kindOfStatus(status: number): FailureKind {
  return status >= 500 ? "server_error" : (byStatus[status] ?? "refused");
}

/** How long one call is waited for, and by whose will it ends. */
export interface Wait {
  readonly ms: number;
  readonly deadline: AbortSignal;
  /** The deadline, or the caller's abort where that counts. */
  readonly signal: AbortSignal;
}

/** Waits `ms` at most, and no longer than the caller does. */
export function waitFor(ms: number, caller: AbortSignal | undefined): Wait {
  const deadline = AbortSignal.timeout(ms);
  return { ms, deadline, signal: caller ? AbortSignal.any([deadline, caller]) : deadline };
}

/** A call in a sentence, without its query. */
export function named(call: HttpCall): string {
  return `${call.method} ${call.path.split("?")[0]}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** The socket ended under a request: worth one more try where repeating is harmless. */
export function brokeOff(error: unknown): boolean {
  return ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"].includes(codeOf(error));
}

/** True where no byte of the request can have left: the address was refused, not found, or did not connect. */
function nothingSent(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(nothingSent);
  if (["ESSRF", "UND_ERR_CONNECT_TIMEOUT"].includes(codeOf(error))) return true;
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(codeOf(error))) return true;
  return (
    error instanceof Error && "syscall" in error && (error.syscall === "connect" || error.syscall === "getaddrinfo")
  );
}

function isNotHttp(error: unknown): boolean {
  return (error instanceof Error && error.name === "HTTPParserError") || codeOf(error) === "UND_ERR_HEADERS_OVERFLOW";
}

/** Whether the circuit breaker counts this failure: the seller was not there, or did not answer in time. */
export function isConnectionFailure(error: unknown): boolean {
  if (!(error instanceof SellerFailure)) return false;
  if (error.kind === "unreachable") return error.code !== "address_not_allowed";
  return error.kind === "timeout" && error.code !== "stopped";
}

/**
 * The failure that an error of a socket is, in our words; `definite` only where nothing was sent, now or by a first try
 * of the same call.
 */
export function failureOf(
  sellerId: string,
  call: HttpCall,
  error: unknown,
  wait: Wait,
  about: { readonly maxBytes: number; readonly beforeSending: boolean; readonly sentBefore: boolean },
): SellerFailure {
  if (error instanceof SellerFailure) return error;
  const what = named(call);
  const code = codeOf(error);
  const definite = about.beforeSending || (nothingSent(error) && !about.sentBefore);
  if (wait.deadline.aborted) {
    const message = `${sellerId} did not answer ${what} within ${wait.ms / 1000} s.`;
    return new SellerFailure(sellerId, "timeout", message, { definite, cause: error });
  }
  if (wait.signal.aborted) {
    const message = `${what} to ${sellerId} was given up before its answer came.`;
    return new SellerFailure(sellerId, "timeout", message, { definite, code: "stopped", cause: error });
  }
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") {
    const message = `${sellerId} answered ${what} with more than ${about.maxBytes >> 20} MB; the answer was cut off.`;
    return new SellerFailure(sellerId, "too_large", message, { cause: error });
  }
  if (isNotHttp(error)) {
    const message = `${sellerId} answered ${what} with something that is not HTTP.`;
    return new SellerFailure(sellerId, "invalid_answer", message, { cause: error });
  }
  if (code === "ESSRF") {
    const message = `${sellerId} was not called: its name leads to an address that is not allowed.`;
    return new SellerFailure(sellerId, "unreachable", message, { definite, code: "address_not_allowed", cause: error });
  }
  const how = definite ? "could not be reached" : `broke off ${what} before its answer was complete`;
  const message = `${sellerId} ${how}${code ? ` (${code})` : ""}.`;
  return new SellerFailure(sellerId, "unreachable", message, { definite, cause: error });
}
