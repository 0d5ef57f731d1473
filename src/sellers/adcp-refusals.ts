import { isObject, type RpcError, type RpcReply, rpcReply } from "./adcp-answers.ts";
import type { Envelope } from "./adcp-carrier.ts";
import type { HttpAnswer } from "./http.ts";
import { kindOfStatus } from "./http-failures.ts";
import { type FailureKind, SellerFailure } from "./seller.ts";
import { sellerText } from "./untrusted.ts";

/** How the transport under a task says no, as failures in our words. */

/** Whether a thrown error is one of JSON-RPC: its code is a number, where those of libraries are words. */
export function isRpcError(error: unknown): error is RpcError {
  return error instanceof Error && "code" in error && Number.isInteger(error.code) && !(error instanceof DOMException);
}

/**
 * The reply in an answer to the request with this id; an error of JSON-RPC is told apart by its code, whatever the
 * status. @throws SellerFailure where there is none
 */
export function replyIn(sellerId: string, task: string, answer: HttpAnswer, id: unknown): RpcReply {
  const reply = rpcReply(answer.json, id);
  const ok = answer.status >= 200 && answer.status < 300;
  if (!ok && !(reply && "error" in reply)) throw httpRefusal(sellerId, task, answer);
  if (!reply) throw unreadable(sellerId, task, "not with a reply to that request", { status: answer.status });
  return reply;
}

/** The failure of an answer that is there but cannot be read. Never definite: the task may have run. */
export function unreadable(
  sellerId: string,
  task: string,
  why: string,
  { status = null, words = "" }: { readonly status?: number | null; readonly words?: string } = {},
): SellerFailure {
  const details = { status, sellerSaid: sellerText(words, 300) || null };
  return new SellerFailure(sellerId, "invalid_answer", `${sellerId} answered ${task}, but ${why}.`, details);
}

/** The same failure with another word on whether anything can have happened. */
export function redone(failure: SellerFailure, { definite }: { readonly definite: boolean }): SellerFailure {
  const { sellerId, kind, message, code, sellerSaid, status } = failure;
  return new SellerFailure(sellerId, kind, message, { definite, code, sellerSaid, status, cause: failure });
}

/** A refusal by status: 401, 403 and 404 come from before the task, of any other status nothing is known. */
export function httpRefusal(sellerId: string, task: string, { status, text }: HttpAnswer): SellerFailure {
  const kind = kindOfStatus(status);
  return refusal(sellerId, task, kind, `HTTP ${status}`, {
    definite: [401, 403, 404].includes(status),
    sellerSaid: sellerText(text, 300) || null,
    status,
  });
}

const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;

/**
 * What a JSON-RPC error means: the AdCP error it carries in `data`, else a failure. Definite only where the transport
 * says that it knows no such task or cannot take its arguments.
 * @see https://adcontextprotocol.org/docs/building/implementation/error-handling
 */
export function rpcRefusal(
  sellerId: string,
  task: string,
  error: RpcError,
): { readonly envelope: Envelope } | { readonly failure: SellerFailure } {
  if (isObject(error.data) && isObject(error.data["adcp_error"])) {
    return { envelope: { adcp_error: error.data["adcp_error"] } };
  }
  const definite = isUnderstood(error);
  const unknown = error.code === METHOD_NOT_FOUND || saysUnknown(task, error.message);
  const kind = !definite ? "server_error" : unknown ? "unsupported" : "refused";
  const sellerSaid = sellerText(error.message, 300) || null;
  return { failure: refusal(sellerId, task, kind, `JSON-RPC ${error.code}`, { definite, sellerSaid }) };
}

/** Whether this error says that the transport understood the request and did nothing. */
export function isUnderstood(error: RpcError | null): boolean {
  return error?.code === METHOD_NOT_FOUND || error?.code === INVALID_PARAMS;
}

/** Whether a transport's words say that it does not know this task; they choose our sentence, and nothing else. */
export function saysUnknown(task: string, words: string): boolean {
  return words.includes(task) && /\b(unknown|not found|disabled)\b/i.test(words);
}

/** A failure in one sentence: what was not done, why in our words, and what the transport called it. */
export function refusal(
  sellerId: string,
  task: string,
  kind: FailureKind,
  called: string,
  details: ConstructorParameters<typeof SellerFailure>[3],
): SellerFailure {
  const message = `${sellerId} did not run ${task}: ${sentences[kind] ?? "it refused"} (${called}).`;
  return new SellerFailure(sellerId, kind, message, details);
}

const sentences: Readonly<Partial<Record<FailureKind, string>>> = {
  unauthorized: "it does not accept our credential",
  forbidden: "our credential may not do that",
  not_found: "there is no agent at its address",
  unsupported: "it does not know that task",
  refused: "it did not accept the request",
  server_error: "it failed on its side",
};
