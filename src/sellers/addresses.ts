import { BlockList, isIP } from "node:net";

/**
 * Which addresses a seller may have. A seller's address comes from a card or a registry, so it may point into our own
 * network; it is checked as text, after resolving, and once more on the open socket.
 */

/** IPv4 and IPv6 blocks that are not the public internet (IANA special-purpose address registries), loopback apart. */
const special = new BlockList();
const loopback = new BlockList();
for (const block of [
  ..."0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24".split(
    " ",
  ),
  ..."192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4".split(" "),
]) {
  const [network = "", bits = ""] = block.split("/");
  special.addSubnet(network, Number(bits), "ipv4");
}
// The IPv6 blocks that carry an IPv4 address inside (NAT64, 6to4, Teredo) would be a way around the list above.
for (const block of "::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8".split(
  " ",
)) {
  const [network = "", bits = ""] = block.split("/");
  special.addSubnet(network, Number(bits), "ipv6");
}
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** True when nothing may be sent to this address; IPv4 written as IPv6 counts as the IPv4 it is. */
export function isBlocked(address: string, allowLoopback: boolean): boolean {
  const family = isIP(address);
  if (family === 0) return true;
  const kind = family === 4 ? "ipv4" : "ipv6";
  if (loopback.check(address, kind)) return !allowLoopback;
  return special.check(address, kind);
}

/**
 * Why an origin is not one we may call, or null: `https` and nothing but scheme, host and port; plain `http` only to
 * this machine, and this machine only where the operator or the sandbox listed the origin.
 */
export function originProblem(origin: string, allowLoopback: boolean): string | null {
  if (!URL.canParse(origin)) return "is not a URL";
  const url = new URL(origin);
  if (url.origin !== origin.replace(/\/$/, "").toLowerCase()) return "is more than scheme, host and port";
  // A name may end with the dot of the root, and is the same name.
  const host = url.hostname.replace(/^\[|\]$|\.$/g, "");
  const here =
    host === "localhost" ||
    host.endsWith(".localhost") ||
    (isIP(host) !== 0 && !isBlocked(host, true) && isBlocked(host, false));
  if (here && !allowLoopback) return "is on this machine and not in the list of those allowed there";
  if (isIP(host) !== 0 && isBlocked(host, allowLoopback)) return "is not a public address";
  if (url.protocol === "https:" || (url.protocol === "http:" && here)) return null;
  return "does not use https";
}
