/** When two agent addresses, and two domains, are the same for adagents.json. Pure. */

/**
 * The one spelling of an agent's address (AdCP "URL canonicalization", RFC 3986 §6.2): lower-case scheme and host, no
 * default port, dot segments and needless percent-encoding resolved, no fragment; and no slash at the end, which
 * publishers write and leave out at will. The path counts: two agents may share a host.
 * @returns null for what is no http(s) address, or carries a user name
 */
export function canonicalAgentUrl(url: string): string | null {
  if (!URL.canParse(url)) return null;
  const { protocol, origin, username, password, pathname, search } = new URL(url);
  if ((protocol !== "https:" && protocol !== "http:") || username !== "" || password !== "") return null;
  const path = pathname.replace(/%[0-9a-f]{2}/gi, (encoded) => {
    const letter = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return /[A-Za-z0-9._~-]/.test(letter) ? letter : encoded.toUpperCase();
  });
  return origin + path.replace(/\/+$/, "") + search;
}

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
/** A name with a dot whose last part is no number: neither a single word nor an address is a publisher's domain. */
const domainShape = new RegExp(`^(?:${label}\\.)+(?!\\d+$)${label}$`);

/** A domain in its one spelling, or null for anything that is none (an address, a port, a path). */
export function domainOf(text: string): string | null {
  const domain = text.toLowerCase();
  return domain.length <= 253 && domainShape.test(domain) ? domain : null;
}

/** Second levels under which the registrable name is the third; enough to know a base domain by. */
const sharedSecondLevel = /^(co|com|org|net|ac|gov|edu|or|ne|go)\.[a-z]{2}$/;

/**
 * Whether what a file says of `pattern` holds for `domain` (adagents.json, domain matching): a base domain for itself,
 * its `www.` and its `m.`; a subdomain for itself only; `*.example.com` for all subdomains and not for the base.
 */
export function domainCovers(pattern: string, domain: string): boolean {
  const written = pattern.toLowerCase();
  if (written.startsWith("*.")) return domainOf(written.slice(2)) !== null && domain.endsWith(written.slice(1));
  if (written === domain) return true;
  const [first = "", ...rest] = written.split(".");
  const isBase = rest.length === 1 || (rest.length === 2 && sharedSecondLevel.test(rest.join(".")) && first !== "");
  return isBase && [`www.${written}`, `m.${written}`].includes(domain);
}
