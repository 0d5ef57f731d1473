import * as z from "zod";
import type { HttpAnswer } from "./http.ts";
import { kindOfStatus } from "./http-failures.ts";
import { folded } from "./opendirect-dialect.ts";
import { type FailureKind, SellerFailure } from "./seller.ts";
import { sellerText } from "./untrusted.ts";

/**
 * The shapes in which OpenDirect sellers say no: the specification's table and its examples differ, and servers built with
 * common frameworks have shapes of their own. Read after folding, so that casing does not matter.
 */

const text = z.string().catch("");
const entry = z.object({ errorcode: text, errormessage: text, message: text, code: text });
const entries = z.object({ errors: z.array(entry).min(1) });
const coded = z.object({ detail: z.object({ error: z.string(), message: text }) });
const worded = z.union([
  z.object({ detail: z.string() }).transform(({ detail }) => detail),
  z.object({ statuscode: z.number(), error: text, message: z.string() }).transform(({ message }) => message),
  z.object({ error: z.string() }).transform(({ error }) => error),
]);
const fields = z.object({ detail: z.array(z.object({ msg: text })).min(1) });

interface Said {
  /** `errors`: the seller's own interface spoke, and refused; `words`: perhaps only what stands before it; `status`: in no words. */
  readonly by: "errors" | "words" | "status" | "nobody";
  readonly code: string | null;
  readonly words: string;
}

function saidIn(json: unknown): Said {
  const plain = folded(json);
  const listed = entries.safeParse(plain).data?.errors[0] ?? entry.safeParse(plain).data;
  if (listed && (listed.errorcode || listed.code || entries.safeParse(plain).success)) {
    const { errorcode, code, errormessage, message } = listed;
    return { by: "errors", code: errorcode || code || null, words: errormessage || message };
  }
  const one = coded.safeParse(plain).data;
  if (one) return { by: "errors", code: one.detail.error, words: one.detail.message };
  const words =
    worded.safeParse(plain).data ??
    fields
      .safeParse(plain)
      .data?.detail.map(({ msg }) => msg)
      .join("; ");
  if (words === undefined) return { by: "nobody", code: null, words: "" };
  const isBare = ["bad request", "not found", "method not allowed"].includes(words.toLowerCase());
  return { by: isBare ? "status" : "words", code: null, words };
}

/**
 * True where a seller does not serve what was asked for in this form: nothing happened, and another form may be tried. An
 * answer in words of its interface is a refusal; so is 400 in any words at all, for who does not know a path says 404.
 */
export function isNotServed(answer: HttpAnswer): boolean {
  const { by } = saidIn(answer.json);
  const { status } = answer;
  const isSilent = by === "status" || by === "nobody";
  return [405, 501].includes(status) || (status === 404 && by !== "errors") || (status === 400 && isSilent);
}

/**
 * The failure that an answer is, or null where it is a success to be read. `definite` only for a refusal that the seller
 * put into words of its interface; what a framework or a proxy says counts where it turns the request away unread.
 * @param what what was asked, for our sentence, e.g. "an order"
 */
export function refusalOf(sellerId: string, what: string, answer: HttpAnswer): SellerFailure | null {
  const { status } = answer;
  if (status >= 200 && status < 300) return null;
  const { by, code, words } = saidIn(answer.json);
  const kind = kindOf(status, code);
  const turnedAway = (by === "words" || by === "status") && [400, 401, 403, 404, 405, 415, 422, 501].includes(status);
  const message = `${sellerId} did not give ${what}: ${sentences[kind] ?? "it refused"} (HTTP ${status}).`;
  return new SellerFailure(sellerId, kind, message, {
    definite: (by === "errors" && status < 500) || turnedAway,
    code: code === null ? null : sellerText(code, 60) || null,
    sellerSaid: sellerText(words, 300) || null,
    status,
  });
}

/** {@link refusalOf} a write, with the seller's words in its sentence: it is all that is kept of why nothing was booked. */
export function writeRefusalOf(sellerId: string, what: string, answer: HttpAnswer): SellerFailure | null {
  const refusal = refusalOf(sellerId, what, answer);
  if (!refusal?.sellerSaid) return refusal;
  const { kind, message, definite, code, sellerSaid, status } = refusal;
  const words = `${message.replace(/\.$/, "")}; its words: “${sellerSaid}”.`;
  return new SellerFailure(sellerId, kind, words, { definite, code, sellerSaid, status });
}

/** The specification says 401 for what may not be done as well, and has no 403. */
function kindOf(status: number, code: string | null): FailureKind {
  if (status === 501) return "unsupported";
  if (code === "ImpressionsNotAvailable" || code === "FramesNotSelectable") return "refused";
  return kindOfStatus(status);
}

const sentences: Readonly<Partial<Record<FailureKind, string>>> = {
  unsupported: "it does not serve that",
  unauthorized: "it does not accept our credential, or lets it do no such thing",
  forbidden: "our account may not do that",
  not_found: "it does not know what was asked for",
  gone: "it is no longer there",
  server_error: "it failed on its side",
};

/** The failure of a successful answer that cannot be read or is not believed. Never definite: something may have happened. */
export function unreadable(sellerId: string, what: string, why: string, status: number | null = null): SellerFailure {
  return new SellerFailure(sellerId, "invalid_answer", `${sellerId} answered for ${what}, but ${why}.`, { status });
}

/** The failure of what is not done here, and why; nothing was sent. */
export function notHere(sellerId: string, why: string, kind: FailureKind = "unsupported"): SellerFailure {
  return new SellerFailure(sellerId, kind, why, { definite: true });
}
