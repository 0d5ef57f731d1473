import { STATUS_CODES } from "node:http";
import type { Answer } from "../wire.ts";
import type { Behaviour } from "./behaviour.ts";
import type { OpenDirectError, OpenDirectRefusal } from "./refusal.ts";

/** The table of the specification, its example, and the UK's profile each name the fields of an error differently. */
function entry({ dialect }: Behaviour, { code, message }: OpenDirectError): object {
  const logId = "sandbox";
  if (dialect === "lower") return { errorCode: code, message, context: { logId } };
  if (dialect === "camel") return { ErrorCode: code, ErrorMessage: message, Context: { logId } };
  return { ErrorCode: code, Message: message };
}

/** A refusal as this seller writes it. Without entries it says no more than its status. */
export function refusalOnWire(behaviour: Behaviour, { status, errors }: OpenDirectRefusal): Answer {
  const reason = STATUS_CODES[status] ?? "Error";
  const said = errors.map(({ message }) => message).join(" ") || reason;
  if (behaviour.errors === "html") {
    const text = `<!DOCTYPE html><html><body><h1>${status} ${reason}</h1></body></html>`;
    return { status, text, headers: { "Content-Type": "text/html; charset=utf-8" } };
  }
  if (behaviour.errors === "detail") return { status, body: { detail: said } };
  if (behaviour.errors === "error") return { status, body: { statusCode: status, error: reason, message: said } };
  if (errors.length === 0) return { status, body: { error: reason } };
  const entries = errors.map((error) => entry(behaviour, error));
  return { status, body: { [behaviour.dialect === "pascal" ? "Errors" : "errors"]: entries } };
}
