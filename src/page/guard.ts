import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Names the browser to itself and nobody to us: form tokens are bound to it. Cookies know no port, so the name is ours. */
const COOKIE = "media_buyer_page";
const shape = /^[A-Za-z0-9_-]{43}$/;

/**
 * Why a request is not for this page, or null. The Host must be ours by name, or another site's name that resolves to
 * this computer would be let in (DNS rebinding). What changes something must come from one of our own pages.
 */
export function whyNotOurs(method: string, headers: IncomingHttpHeaders, host: string): string | null {
  if (headers.host !== host) return "host";
  if (method === "GET" || method === "HEAD") return null;
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") return "site";
  if (headers.origin === `http://${host}`) return null;
  // Under `no-referrer` a browser sends a form's origin as null; then it has to say itself that the form was ours.
  return headers.origin === "null" && site === "same-origin" ? null : "origin";
}

/** The browser's own mark from its cookie, or a new one and the header that sets it. */
export function browserOf(headers: IncomingHttpHeaders): {
  readonly browser: string;
  readonly setCookie: string | null;
} {
  const pairs = (headers.cookie ?? "").split(";").map((pair) => pair.trim().split("="));
  const held = pairs.find(([name, value]) => name === COOKIE && value !== undefined && shape.test(value))?.[1];
  if (held !== undefined) return { browser: held, setCookie: null };
  const browser = randomBytes(32).toString("base64url");
  return { browser, setCookie: `${COOKIE}=${browser}; Path=/; HttpOnly; SameSite=Strict` };
}

/** The token a form must bring back: good for this browser and this one subject (an approval, the passkeys). */
export function formToken(key: Uint8Array, browser: string, subject: string): string {
  return createHmac("sha256", key)
    .update(JSON.stringify(["approval page", browser, subject]))
    .digest("base64url");
}

/** Compares in constant time; false for anything that is no token. */
export function isFormToken(given: unknown, key: Uint8Array, browser: string, subject: string): boolean {
  const expected = Buffer.from(formToken(key, browser, subject));
  const actual = Buffer.from(typeof given === "string" ? given : "");
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}

/**
 * The headers of every answer. No other site may frame, read, script or be told of it; nothing is kept.
 * @param style hash of the one style sheet
 * @param nonce of the one script, where the page has one
 */
export function pageHeaders(style: string, nonce: string | null): Readonly<Record<string, string>> {
  const script = nonce === null ? [] : [`script-src 'nonce-${nonce}'`, "connect-src 'self'"];
  return {
    "content-security-policy": [
      "default-src 'none'",
      `style-src '${style}'`,
      ...script,
      "form-action 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join("; "),
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
  };
}
