import type { IncomingMessage, ServerResponse } from "node:http";
import type { Desk } from "./desk.ts";
import { say } from "./http/answers.ts";
import { RateLimits } from "./http/rate.ts";
import { webhookRoute } from "./http/webhook-route.ts";

/** Of all sellers together: an honest one sends a few an hour, and who is turned away is asked again by polling. */
const PER_MINUTE = 300;

/**
 * The handler of what sellers send of themselves, at a path of its own: without a token of this desk's, since each proves
 * itself by what was registered for it. All it does is to have the line looked at.
 */
export function webhookHandler(desk: Desk): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const rates = new RateLimits(() => performance.now());
  const route = webhookRoute({
    async expectedAt(path) {
      const found = await desk.webhookAt(path);
      if (!found) return null;
      const { sellerId, url, token, operationId, secret, keys } = found;
      const scheme = secret === null ? ({ kind: "rfc9421", keys } as const) : ({ kind: "hmac", secret } as const);
      return { sellerId, url, token, operationId, scheme, about: found.ref };
    },
    hint: async ({ about, taskId }) => {
      if (about !== undefined) await desk.lookAt(about, taskId);
    },
    log: desk.log,
    now: () => Date.now(),
  });
  return async (request, response) => {
    const wait = rates.take("webhooks", PER_MINUTE);
    if (wait === 0) return route(request, response);
    response.setHeader("retry-after", String(wait));
    response.setHeader("connection", "close");
    say(response, 429, "Too many webhooks; try again later.\n");
  };
}
