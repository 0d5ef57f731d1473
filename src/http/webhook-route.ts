import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../domain/log.ts";
import { say } from "./answers.ts";
import { Replays } from "./webhook-replays.ts";
import { type ExpectedWebhook, verifyWebhook, type WebhookHint } from "./webhooks.ts";

/** Most bytes of a webhook: a result of many packages, and no catalogue. */
export const WEBHOOK_BYTES = 256 << 10;

export interface WebhookRouteOptions {
  /**
   * What was registered at this path, query included; null for nothing. It may read the seller's keys; when it fails, the
   * seller is asked to try again.
   */
  readonly expectedAt: (path: string) => Promise<ExpectedWebhook | null>;
  /** Told once of each event; when it fails, the seller's next try counts as the first. */
  readonly hint: (hint: WebhookHint) => Promise<void>;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Makes the handler of sellers' webhooks. Every answer is one short line; what was found wrong is told to the sender as well,
 * since it is in our words and holds no secret.
 */
export function webhookRoute({
  expectedAt,
  hint,
  log,
  now,
}: WebhookRouteOptions): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const replays = new Replays();
  return async (request, response) => {
    const { method = "", url = "", rawHeaders } = request;
    const end = (status: number, text: string) => {
      if (status !== 200) response.setHeader("connection", "close");
      say(response, status, `${text}\n`);
    };
    if (method !== "POST") {
      response.setHeader("allow", "POST");
      return end(405, "Method not allowed.");
    }
    const { "content-type": type = "", "content-encoding": encoding = "identity" } = request.headers;
    if (!/^application\/json\s*(;|$)/i.test(type) || encoding !== "identity")
      return end(415, "The body must be plain application/json.");
    let expected: ExpectedWebhook | null;
    try {
      expected = await expectedAt(url);
    } catch (error) {
      log("a webhook could not be checked", { error: String(error) });
      return end(503, "This cannot be checked now; try again.");
    }
    if (!expected) return end(404, "Nothing is expected here.");
    const body = await bytesOf(request);
    if (body === null) return end(413, `A webhook has at most ${WEBHOOK_BYTES} bytes.`);
    const { sellerId } = expected;
    const verdict = verifyWebhook({ method, rawHeaders, body }, expected, replays, now());
    if (!verdict.ok) {
      log("a webhook was refused", { seller: sellerId, why: verdict.why });
      return end(401, verdict.why);
    }
    if (verdict.repeated) return end(200, "ok");
    try {
      await hint(verdict.hint);
    } catch (error) {
      verdict.release();
      log("a webhook was not followed", { seller: sellerId, error: String(error) });
      return end(503, "This cannot be followed now; try again.");
    }
    end(200, "ok");
  };
}

/** A body whole, byte for byte; null when it is too long, and then it is not read on. */
async function bytesOf(request: IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers["content-length"]) > WEBHOOK_BYTES) return null;
  const chunks: Buffer[] = [];
  let length = 0;
  // Left early, the loop must not take the connection with it: the answer is still to be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > WEBHOOK_BYTES) return null;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
