import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** A fresh bearer token: 256 random bits, with a beginning by which a leaked one is recognised. */
export function newToken(): string {
  return `mbt_${randomBytes(32).toString("base64url")}`;
}

/** What of a token is kept, in hex. A token is random, so that one plain digest is enough. */
export function tokenDigest(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/**
 * Whose token a request carries, or null. Every digest is compared, in constant time, so that the time taken tells
 * nothing of which one came close.
 * @param authorization the header, `Bearer <token>`
 */
export function holderOf<Holder extends { readonly tokenSha256: string }>(
  holders: readonly Holder[],
  authorization: string | undefined,
): Holder | null {
  const token = /^bearer +([\w.~+/=-]{1,512})$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) return null;
  const given = Buffer.from(tokenDigest(token), "hex");
  return holders.filter(({ tokenSha256 }) => timingSafeEqual(Buffer.from(tokenSha256, "hex"), given))[0] ?? null;
}
