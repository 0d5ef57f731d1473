import { createHmac } from "node:crypto";
import type { FrozenRequest } from "../domain/media-buy.ts";
import { uuidFrom } from "../domain/ids.ts";
import type { Session, Version } from "./adcp-session.ts";
import type { ConnectOptions, WebhookAddress } from "./protocol.ts";
import type { FetchText } from "./public-fetch.ts";
import type { Access, RegisteredWebhook, SellerWebhooks } from "./seller.ts";
import { signingKeys } from "./signing-keys.ts";
import { pushConfig } from "./wire/push-config.ts";

/**
 * What a seller is asked to send where (AdCP 3.0 and 3.1, `push_notification_config`): a function of the line and of its
 * key, so that it is frozen with the request, and found again by the path alone. Under HMAC the seller is given a secret
 * of this one request, never the operator's.
 */
export function pushConfigOf(
  { baseUrl, hmacSecret }: WebhookAddress,
  ref: string,
  key: string,
  version: Version,
): Readonly<Record<string, unknown>> {
  const operation = uuidFrom("webhook", key);
  const secret = hmacSecret === null ? null : createHmac("sha256", hmacSecret).update(`webhook ${key}`).digest("hex");
  return {
    url: `${baseUrl}/webhooks/adcp/${Buffer.from(ref).toString("hex")}/${operation}`,
    ...(version === "3.0" ? {} : { operation_id: operation }),
    token: uuidFrom("webhook token", key),
    ...(secret === null ? {} : { authentication: { schemes: ["HMAC-SHA256"], credentials: secret } }),
  };
}

/** A seller's webhooks, from what its frozen requests registered and from the keys of its own brand.json. */
export function sellerWebhooks(session: Session, options: ConnectOptions, fetchText: FetchText): SellerWebhooks {
  const { sellerId, url: agentUrl, cache, log } = options;
  return {
    registered,
    async keys(access: Access) {
      const { said } = await session.capabilities(access);
      const brandJsonUrl = said.identity?.brand_json_url ?? null;
      if (brandJsonUrl === null) return [];
      const found = await signingKeys({ agentUrl, brandJsonUrl, fetchText, cache, signal: access.signal });
      if (found.ok) return found.keys;
      log.warn({ seller: sellerId, why: found.why }, "the keys of a seller's webhooks cannot be had");
      return [];
    },
  };
}

function registered({ body }: FrozenRequest): RegisteredWebhook | null {
  const { push_notification_config: config } = pushConfig.parse(JSON.parse(body));
  if (!config) return null;
  const { url, token, operation_id: operationId, authentication } = config;
  return { url, token, operationId, secret: authentication?.credentials ?? null };
}
