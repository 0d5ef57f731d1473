import { domainToUnicode } from "node:url";

/** Names and domains that a person could take for others. Flags only: who is who is decided by addresses. */

/** Letters of other scripts, and digits, that are drawn as these (the pairs that Unicode TS 39 lists for everyday letters). */
const drawnAs: Readonly<Record<string, string>> = {
  ...pairs("а:a в:b с:c ԁ:d е:e һ:h і:i ј:j к:k ӏ:l м:m н:h о:o р:p ѕ:s т:t ѵ:v ѡ:w х:x у:y ɡ:g ո:n ս:u"),
  ...pairs("α:a β:b ε:e η:n ι:i κ:k ν:v ο:o ρ:p τ:t υ:u χ:x ω:w ı:i ł:l ø:o đ:d ħ:h"),
  ...pairs("0:o 1:l i:l"),
};

function pairs(text: string): Record<string, string> {
  return Object.fromEntries(text.split(" ").map((pair) => pair.split(":")));
}

/** A word as it looks: two words with the same one are easily taken for each other. */
export function skeleton(word: string): string {
  const plain = word
    .normalize("NFKD")
    .replace(/[\p{M}\p{C}\p{Default_Ignorable_Code_Point}]/gu, "")
    .toLowerCase();
  return Array.from(plain, (letter) => drawnAs[letter] ?? letter)
    .join("")
    .replaceAll("rn", "m")
    .replaceAll("vv", "w")
    .replaceAll("cl", "d");
}

/** Shorter names are near each other by chance. */
const LEAST = 5;
/** Second levels under which names are registered, as in `example.co.uk`. */
const shared = /^(co|com|org|net|ac|gov|edu|or|ne|go)$/;

/** Where in a domain the part is that its owner registered. */
function ownLabel(labels: readonly string[]): number {
  const second = labels.length - 2;
  return Math.max(0, labels.length > 2 && shared.test(labels[second] ?? "") ? second - 1 : second);
}

/** What was registered of a domain: `northbeam.example` of `agent.northbeam.example`. Without a list of all endings it is a guess. */
export function registered(domain: string): string {
  if (isAddress(domain)) return domain;
  const labels = domain.split(".");
  return labels.slice(ownLabel(labels)).join(".");
}

/**
 * Whether a domain could be taken for another: drawn alike, a letter apart, the same name under another ending, or with the other in it.
 * What belongs to whom the other belongs to is no look-alike of it.
 */
export function domainLooksLike(domain: string, other: string): boolean {
  if (isAddress(domain) || isAddress(other) || registered(domain) === registered(other)) return false;
  const [mine, theirs] = [domain, other].map((one) => domainToUnicode(one).toLowerCase().split("."));
  const name = skeleton(theirs?.[ownLabel(theirs)] ?? "");
  if (!mine || name.length < LEAST) return false;
  const own = mine[ownLabel(mine)] ?? "";
  const within = mine.slice(0, ownLabel(mine) + 1).flatMap((label) => [label, ...label.split("-")]);
  return within.some((part) => skeleton(part) === name) || isOneApart(skeleton(own), name);
}

function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(":");
}

/** Whether a name could be taken for another that is long enough to be one. */
export function nameLooksLike(name: string, other: string): boolean {
  const [mine, theirs] = [name, other].map((one) => skeleton(one).replace(/[^\p{L}\p{N}]/gu, ""));
  return mine === theirs && (theirs?.length ?? 0) >= LEAST;
}

/** One letter more, less or another, or two that changed places. */
function isOneApart(one: string, other: string): boolean {
  if (one === other || Math.abs(one.length - other.length) > 1) return false;
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  let at = 0;
  while (at < short.length && short[at] === long[at]) at += 1;
  if (short.length < long.length) return short.slice(at) === long.slice(at + 1);
  if (short.slice(at + 1) === long.slice(at + 1)) return true;
  return short[at] === long[at + 1] && short[at + 1] === long[at] && short.slice(at + 2) === long.slice(at + 2);
}
