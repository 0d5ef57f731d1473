import { bodyHash, type SellerRuntime } from "./runtime.ts";
import { type Answer, coded } from "./wire.ts";

const keyLifeMs = 86_400_000;

/** A request that carries an idempotency key, and how it is done or answered again. */
export interface Keyed {
  readonly surface: "quote" | "deal" | "negotiation";
  readonly scope: string;
  readonly body: { readonly idempotency_key: string };
  /** Answers a repeat from what the first one made. */
  replay(made: unknown): Answer;
  /** Does it; `made` is what a repeat needs. */
  perform(): Promise<{ readonly answer: Answer; readonly made: unknown }>;
}

/**
 * Does a keyed request, or answers it again: IAB seller agent 2.4.2, idempotency.
 *
 * The key is looked up before the work and written after it, with nothing held in between: the same key sent twice
 * at the same time is done twice. A failed request leaves no trace, so its key may be used again.
 */
export async function once(seller: SellerRuntime, keyed: Keyed): Promise<Answer> {
  return seller.exclusive(async () => {
    const name = [keyed.surface, keyed.scope, keyed.body.idempotency_key].join("|");
    const hash = bodyHash(keyed.body);
    const used = seller.state.keys[name];
    if (used && seller.now() - used.at < keyLifeMs) {
      if (used.hash !== hash) {
        const message = "This idempotency key was used with another body.";
        throw coded(409, "idempotency_conflict", message, { unsupported: [] });
      }
      return keyed.replay(used.made);
    }
    const done = await keyed.perform();
    seller.state.keys[name] = { hash, at: seller.now(), made: done.made };
    seller.commit();
    return done.answer;
  });
}
