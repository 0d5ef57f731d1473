import type { SellerConfig } from "./config.ts";
import { Secret } from "./domain/secret.ts";
import type { SandboxCommand } from "./sandbox/daemon.ts";

/** Under whose name the sandbox desk buys where that is asked: invented, like everything there. */
const account = {
  brand: "acmeoutdoor.example",
  brandId: null,
  operator: "sandbox-agency.example",
  billing: "operator",
  paymentTerms: "net_30",
  accountId: null,
} as const;

const trust = ["preferred", "verified", "registered"] as const;

/**
 * The sellers of a desk without a config. Starts its sandbox when they are first needed.
 * @param directory where the sandbox keeps its files
 * @param spawn how the sandbox's process is started
 */
export function sandboxSellersOf(directory: string, spawn: SandboxCommand): () => Promise<readonly SellerConfig[]> {
  return async () => {
    const { ensureSandbox } = await import("./sandbox/daemon.ts");
    const sellers = await ensureSandbox({ directory, spawn });
    return sellers.map(({ id, name, domain, url, keys, protocol, carrier, publishers }, index) => ({
      id,
      name,
      domain,
      url,
      protocol,
      carrier: carrier ?? null,
      account: protocol === "adcp" ? account : null,
      proposals: "quote" as const,
      publishers: new Map(Object.entries(publishers ?? {})),
      trust: trust[index] ?? "registered",
      relationship: index === 0 ? ("trusted" as const) : ("established" as const),
      credentials: Object.fromEntries(
        Object.entries(keys).map(([tier, key]) => [tier, { kind: "api_key" as const, secret: new Secret(key) }]),
      ),
    }));
  };
}
