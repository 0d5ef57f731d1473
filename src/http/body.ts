import type { IncomingMessage } from "node:http";
import type { Refusal } from "./answers.ts";

/** Most bytes of a request's body. */
export const BODY_BYTES = 1 << 20;
/** Deepest nesting of a body; our deepest argument has five levels. */
const DEEPEST = 64;

/** Told that bytes which are no text are none. */
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A body that was read: one JSON-RPC message, unchecked. */
export interface Read {
  readonly message: object;
}

/** Reads a JSON body whole, or says why not. What is too long is not read on. */
export async function readMessage(request: IncomingMessage): Promise<Read | Refusal> {
  const { "content-type": type = "", "content-encoding": encoding = "identity" } = request.headers;
  if (!/^application\/json\s*(;|$)/i.test(type) || encoding !== "identity")
    return { status: 415, message: "Unsupported Media Type: the body must be plain application/json" };
  const tooLong = { status: 413, message: `Payload Too Large: a body has at most ${BODY_BYTES} bytes` };
  if (Number(request.headers["content-length"]) > BODY_BYTES) return tooLong;
  const chunks: Buffer[] = [];
  let length = 0;
  // Left early, the loop must not take the connection with it: the refusal is still to be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > BODY_BYTES) return tooLong;
    chunks.push(bytes);
  }
  return messageIn(Buffer.concat(chunks));
}

function messageIn(bytes: Buffer): Read | Refusal {
  const invalid = (message: string): Refusal => ({
    status: 400,
    code: -32_600,
    message: `Invalid Request: ${message}`,
  });
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    return { status: 400, code: -32_700, message: "Parse error: the body is not JSON" };
  }
  // A batch would be many calls for the price of one; the protocol gave them up in 2025-06-18.
  if (Array.isArray(value)) return invalid("batches are not served");
  if (typeof value !== "object" || value === null) return invalid("a message is an object");
  if (isDeeper(value, DEEPEST)) return invalid(`nested deeper than ${DEEPEST} levels`);
  return { message: value };
}

/** Whether a value nests deeper than so many levels. It is not looked at below them: what is deep must not exhaust the stack. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels < 0 || Object.values(value).some((one) => isDeeper(one, levels - 1));
}
