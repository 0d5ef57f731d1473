/** What of an answer is let in: no secret of ours, and no JSON that nests deeper than any protocol does. */

import type { Credential } from "./records.ts";

/** Deeper than any answer of a protocol nests. */
const MOST_DEPTH = 100;

/**
 * Takes our own secrets out of a text: sellers put the key they refuse into the sentence that refuses it, and from
 * there it would reach a model and the ledger. A short one is left alone, for it may be part of any word.
 */
export function masker(credentials: readonly Credential[]): (text: string) => string {
  const echoes = credentials.flatMap(writings);
  return (text) => echoes.reduce((masked, secret) => masked.replaceAll(secret, "***"), text);
}

/** A credential as an answer may repeat it: plain, or as JSON writes it. */
function writings({ bearer, apiKey, accessToken }: Credential): readonly string[] {
  const secret = bearer ?? apiKey ?? accessToken ?? "";
  return secret.length < 8 ? [] : [...new Set([secret, JSON.stringify(secret).slice(1, -1)])];
}

/** Whether a `Content-Type` is JSON; an answer that names none is taken for it. */
export function saysJson(contentType: string | null): boolean {
  return /^[^;]*[/+]json\b/i.test(contentType ?? "application/json");
}

/** Text of a seller as JSON, or `undefined` where it is none or nests too deep. */
export function jsonIn(text: string): unknown {
  if (nestsTooDeep(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A megabyte of opening brackets takes the parser a second, in which no other seller is heard: it is not parsed. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at];
    if (quoted && mark === "\\") at += 1;
    else if (mark === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (mark === "[" || mark === "{") depth += 1;
    else if (mark === "]" || mark === "}") depth -= 1;
    if (depth > MOST_DEPTH) return true;
  }
  return false;
}
