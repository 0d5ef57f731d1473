import type { IncomingMessage } from "node:http";

/** Far more than any form of ours needs. */
const MOST_BYTES = 16_384;

/** A body as it was sent: a form's fields, or JSON; or the status that says why not. */
export type Body =
  | { readonly kind: "form"; readonly fields: URLSearchParams }
  | { readonly kind: "json"; readonly value: unknown };

/** Reads a request's body, as far as it is one. @returns the HTTP status to refuse it with otherwise */
export async function readBody(request: IncomingMessage): Promise<Body | 400 | 413 | 415> {
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded" && type !== "application/json") return 415;
  if (Number(request.headers["content-length"] ?? 0) > MOST_BYTES) return 413;
  const parts: Buffer[] = [];
  let bytes = 0;
  // Left open: whoever sent too much is still to be told so.
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    const chunk = Buffer.isBuffer(part) ? part : Buffer.from(String(part));
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return 413;
    parts.push(chunk);
  }
  const text = Buffer.concat(parts).toString("utf8");
  if (type === "application/x-www-form-urlencoded") return { kind: "form", fields: new URLSearchParams(text) };
  try {
    return { kind: "json", value: JSON.parse(text) };
  } catch {
    // What it was instead is of no use to anybody.
    return 400;
  }
}
