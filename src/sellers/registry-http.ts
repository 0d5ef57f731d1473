import { createHttp } from "./http.ts";
import { kindOfStatus } from "./http-failures.ts";
import type { RegistryOptions } from "./registry.ts";
import { type Access, SellerFailure } from "./seller.ts";

/** Reads JSON of one registry. @throws SellerFailure for anything but JSON with HTTP 200 */
export type RegistryRead = (path: string, query?: Readonly<Record<string, string>>) => Promise<unknown>;

/** Prepares reading; nothing is sent yet. The registry's credential goes to its own origin alone. */
export function registryReader(options: RegistryOptions): RegistryRead {
  const { name, url, credential, timeoutMs, allowLoopback, log } = options;
  const { origin, pathname } = new URL(url);
  const base = pathname.replace(/\/+$/, "");
  // The way out knows credentials by tier; a registry has one, and is shown nothing else.
  const access: Access = { tier: credential ? "seat" : "public", identity: {} };
  const http = createHttp({
    ...{ sellerId: name, origin, allowLoopback, log },
    credentials: credential ? { seat: credential } : {},
    timeouts: { discovery: timeoutMs },
  });
  return async (path, query) => {
    const search = query ? `?${new URLSearchParams(query)}` : "";
    const { status, json } = await http.send(
      { method: "GET", path: `${base}${path}${search}`, phase: "discovery" },
      access,
    );
    if (status !== 200)
      throw new SellerFailure(name, kindOfStatus(status), `${name} answered ${path} with HTTP ${status}.`, {
        ...{ status, definite: true },
      });
    if (json === undefined) throw notRead(name, `${path} with something that is not JSON`);
    return json;
  };
}

/** The failure of a registry whose answer has not the form of one. */
export function notRead(name: string, what: string): SellerFailure {
  return new SellerFailure(name, "invalid_answer", `${name} answered ${what}.`, { definite: true });
}
