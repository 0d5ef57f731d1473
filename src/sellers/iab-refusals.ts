import * as z from "zod";
import type { HttpAnswer } from "./http.ts";
import { kindOfStatus } from "./http-failures.ts";
import { entryOf } from "./iab-words.ts";
import { type FailureKind, SellerFailure } from "./seller.ts";
import { sellerText } from "./untrusted.ts";

/**
 * The five shapes in which an IAB seller agent 2.4.2 says no: a coded detail, a plain sentence, a list of field
 * errors, the text `Internal Server Error`, and a 200 whose status is `failed`. Told apart by status and code, since
 * the contract's own list of codes is not what is sent; never by a seller's words.
 */

const coded = z.object({ detail: z.object({ error: z.string(), message: z.string().catch("") }) });
const worded = z.object({ detail: z.string() });
const fields = z.object({
  detail: z.array(z.object({ loc: z.array(z.unknown()).catch([]), msg: z.string().catch("") })),
});
const failed = z.object({
  status: z.literal("failed"),
  errors: z.array(z.object({ code: z.string().catch(""), detail: z.string().catch("") })),
});

interface Said {
  readonly shape: "coded" | "worded" | "fields" | "failed" | "unreadable";
  readonly code: string | null;
  readonly words: string;
}

const byCode: Readonly<Record<string, FailureKind>> = {
  below_minimum_impressions: "below_minimum",
  unsupported_capability: "unsupported",
  audience_plan_unsupported: "unsupported",
  audience_validation: "unsupported",
  // Of a proposal: the seller's own evaluation broke, so that the same may work later.
  crew_evaluation_error: "server_error",
  internal: "server_error",
  quote_already_booked: "already_booked",
  idempotency_conflict: "idempotency_conflict",
};

/** What the server framework answers for a path that it does not serve at all; no handler of the contract says it. */
const noSuchRoute: Readonly<Record<number, string>> = { 404: "Not Found", 405: "Method Not Allowed" };

/** True when the seller does not serve this path or method: the request reached no handler, so nothing happened. */
export function isMissingRoute(answer: HttpAnswer): boolean {
  const said = worded.safeParse(answer.json);
  return said.success && said.data.detail === noSuchRoute[answer.status];
}

/**
 * The failure that an answer is, or null where it is a success to be read. `definite` only for a refusal the seller
 * put into words we can read: for "not found", "gone" and "conflict" it must carry a code, since a proxy says these
 * words too.
 * @param what what was asked, for our sentence, e.g. "a quote"
 */
export function refusalOf(sellerId: string, what: string, answer: HttpAnswer): SellerFailure | null {
  const { status } = answer;
  const said = read(answer.json);
  if (status >= 200 && status < 300 && said.shape !== "failed") return null;
  const kind = kindOf(status, said);
  const definite = isDefinite(status, said);
  const message = `${sellerId} did not give ${what}: ${sentences[kind] ?? "it refused"} (HTTP ${status}).`;
  const code = said.code === null ? null : sellerText(said.code, 60);
  return new SellerFailure(sellerId, kind, message, {
    definite,
    code,
    sellerSaid: sellerText(said.words, 300) || null,
    status,
  });
}

/** The failure of a successful answer that cannot be read or is not believed. Never definite: something may have happened. */
export function unreadable(sellerId: string, what: string, why: string, status: number | null = null): SellerFailure {
  return new SellerFailure(sellerId, "invalid_answer", `${sellerId} answered for ${what}, but ${why}.`, { status });
}

const sentences: Readonly<Partial<Record<FailureKind, string>>> = {
  below_minimum: "the volume is below its minimum",
  unsupported: "it does not support that",
  already_booked: "the quote is booked already",
  idempotency_conflict: "it has seen the same key with another request",
  unauthorized: "it does not accept our credential",
  forbidden: "our identity may not do that",
  not_found: "it does not know what was asked for",
  gone: "it is no longer open",
  unpriced: "it has no price for that",
  closed: "the negotiation is over",
  server_error: "it failed on its side",
};

function read(json: unknown): Said {
  const withCode = coded.safeParse(json);
  if (withCode.success) {
    const { error, message } = withCode.data.detail;
    return { shape: "coded", code: error, words: message };
  }
  const plain = worded.safeParse(json);
  if (plain.success) return { shape: "worded", code: null, words: plain.data.detail };
  const invalid = fields.safeParse(json);
  if (invalid.success) {
    const words = invalid.data.detail.map(({ loc, msg }) => `${loc.slice(1).join(".")}: ${msg}`).join("; ");
    return { shape: "fields", code: "validation", words };
  }
  const flow = failed.safeParse(json);
  if (!flow.success) return { shape: "unreadable", code: null, words: "" };
  const [first] = flow.data.errors;
  return { shape: "failed", code: first?.code ?? null, words: first?.detail ?? "" };
}

function kindOf(status: number, said: Said): FailureKind {
  if (status >= 500) return "server_error";
  const known = said.code === null ? undefined : entryOf(byCode, said.code);
  if (known) return known;
  if (said.shape === "failed") return said.code?.endsWith("not_found") ? "not_found" : "refused";
  // Two plain sentences have a meaning of their own: 422 is an unpriced product, 400 a negotiation that is over.
  if (said.shape === "worded" && status === 422) return "unpriced";
  if (said.shape === "worded" && status === 400) return "closed";
  return kindOfStatus(status);
}

function isDefinite(status: number, said: Said): boolean {
  if (said.shape === "unreadable") return false;
  if ([404, 409, 410].includes(status)) return said.shape === "coded";
  return [400, 401, 403, 422].includes(status) || (status < 300 && said.shape === "failed");
}
