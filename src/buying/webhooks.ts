import { BuyingError } from "../domain/errors.ts";
import type { Ref } from "../domain/ids.ts";
import type { RegisteredWebhook, SellerWebhooks } from "../sellers/seller.ts";
import { accessAs } from "./access.ts";
import { loadLine } from "./lines.ts";
import { sellerNow } from "./look.ts";
import type { Ports } from "./ports.ts";

/** A webhook that a line's frozen request asked its seller for. */
export interface ExpectedAt extends RegisteredWebhook {
  readonly ref: Ref;
  readonly sellerId: string;
  /** The seller's own keys; empty where it shows none. */
  readonly keys: Awaited<ReturnType<SellerWebhooks["keys"]>>;
}

const shape = /^\/webhooks\/adcp\/((?:[0-9a-f]{2}){3,300})\/[0-9a-f-]{36}$/;

/**
 * What was asked for at a path, by the frozen bytes in the ledger; null for nothing. The seller's keys are only read for
 * the whole right path, which nobody but the seller was told.
 */
export async function webhookAt(ports: Ports, path: string): Promise<ExpectedAt | null> {
  const ref = refIn(path);
  if (ref === null) return null;
  const line = await loadLine(ports, ref).then(
    (loaded) => loaded.line,
    (error: unknown) => {
      if (error instanceof BuyingError && error.code === "unknown_quote") return null;
      throw error;
    },
  );
  if (!line?.booking) return null;
  const { sellerId, shownAs } = line.quote;
  const webhooks = (await sellerNow(ports, sellerId))?.seller.webhooks;
  const registered = webhooks?.registered(line.booking.request);
  // A proxy may have taken off what the registered address has before it.
  if (!webhooks || !registered || !new URL(registered.url).pathname.endsWith(path)) return null;
  const keys = registered.secret === null ? await webhooks.keys(accessAs(ports, shownAs)) : [];
  return { ...registered, ref, sellerId, keys };
}

/**
 * Whether a line is to be looked at for a webhook about a task. It is nothing but a reason to look: what the webhook says
 * of the buy is not read, and one about another task is none.
 */
export async function isWaitedFor(ports: Ports, ref: Ref, taskId: string): Promise<boolean> {
  const { line } = await loadLine(ports, ref);
  const known = line.wait?.taskId ?? null;
  return ["awaiting_seller", "booking_unknown"].includes(line.status) && (known === null || known === taskId);
}

function refIn(path: string): Ref | null {
  const hex = shape.exec(path)?.[1];
  if (hex === undefined) return null;
  const text = Buffer.from(hex, "hex").toString("utf8");
  return /^[a-z0-9.-]+\/[!-~]+$/.test(text) ? text : null;
}
