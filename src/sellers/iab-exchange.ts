import type * as z from "zod";
import type { Http, HttpAnswer, HttpCall } from "./http.ts";
import { refusalOf, unreadable } from "./iab-refusals.ts";
import type { Access } from "./seller.ts";
import { createSellerClock } from "./seller-clock.ts";

/** One question to an IAB seller agent, its refusals turned into failures and its answer checked. */
export interface Exchange {
  readonly sellerId: string;
  readonly http: Http;
  /**
   * @param what what is asked for, for the sentence of a failure, e.g. "a quote"
   * @throws SellerFailure
   */
  ask<Shape extends z.ZodType>(what: string, shape: Shape, call: HttpCall, access: Access): Promise<z.output<Shape>>;
  /** Reads an answer that was received by other means, as {@link ask} would. @throws SellerFailure */
  read<Shape extends z.ZodType>(what: string, shape: Shape, answer: HttpAnswer): z.output<Shape>;
  /** An instant of the seller's clock on ours, by the `Date` of its last answer; both UTC, ISO 8601. */
  onOurClock(instant: string): string;
}

/** Questions to one seller over its one way out. */
export function createExchange(sellerId: string, http: Http): Exchange {
  const clock = createSellerClock();
  const read: Exchange["read"] = (what, shape, answer) => {
    const refusal = refusalOf(sellerId, what, answer);
    if (refusal) throw refusal;
    const result = shape.safeParse(answer.json);
    if (result.success) return result.data;
    const [first] = result.error.issues;
    // The path is of our own schema: no word of the seller's gets into the sentence.
    const path = first?.path.filter((key) => typeof key === "string").join(".") ?? "";
    const why = answer.json === undefined ? "it is not JSON" : `${path || "its shape"} cannot be read`;
    throw unreadable(sellerId, what, why, answer.status);
  };
  return {
    sellerId,
    http,
    read,
    async ask(what, shape, call, access) {
      const answer = await http.send(call, access);
      clock.note(answer);
      return read(what, shape, answer);
    },
    onOurClock: (instant) => new Date(Date.parse(instant) - clock.aheadMs()).toISOString(),
  };
}

/** The buyer fields to put into a body: those the tier shows, and none at all for the public tier. */
export function identityOf(access: Access): { readonly buyer_identity?: Readonly<Record<string, string>> } {
  if (access.tier === "public" || Object.keys(access.identity).length === 0) return {};
  return { buyer_identity: access.identity };
}
