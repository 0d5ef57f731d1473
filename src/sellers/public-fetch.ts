import { createHttp, type Http, type HttpAnswer, type SellerLog, type Timeouts } from "./http.ts";

/** Reads files that anybody may read (adagents.json, ads.txt, brand.json, keys), through the one way out. */

/**
 * Gets one file without any credential. Nothing is followed; the address rules, the time limit of discovery and the
 * size limit of the way out hold.
 * @param url https; http and this machine only where {@link openPublicFetch} was told of the very origin
 * @throws SellerFailure with the file's host as the one that failed
 */
export type FetchText = (url: string, signal?: AbortSignal) => Promise<Pick<HttpAnswer, "status" | "text" | "json">>;

export interface PublicFetchOptions {
  /** Origins on this machine that may be read, where the operator or the sandbox allows this machine at all. */
  readonly local?: { readonly origins: readonly string[]; readonly allowed: boolean };
  readonly timeouts?: Partial<Timeouts>;
  readonly log: SellerLog;
}

/** Origins whose circuit breaker is remembered; beyond it all are forgotten, which costs nothing but a try. */
const MOST_ORIGINS = 500;

/** @returns a {@link FetchText}; each origin has a circuit breaker of its own */
export function openPublicFetch({ local, timeouts, log }: PublicFetchOptions): FetchText {
  const known = new Map<string, Http>();
  const here = new Set(local?.allowed === true ? local.origins.map((origin) => new URL(origin).origin) : []);
  return (url, signal) => {
    const { origin, host, pathname, search } = new URL(url);
    const open = (): Http => {
      if (known.size >= MOST_ORIGINS) known.clear();
      const http = createHttp({
        sellerId: host,
        origin,
        credentials: {},
        allowLoopback: here.has(origin),
        timeouts,
        log,
      });
      known.set(origin, http);
      return http;
    };
    const http = known.get(origin) ?? open();
    return http.send(
      { method: "GET", path: pathname + search, phase: "discovery" },
      { tier: "public", identity: {}, signal },
    );
  };
}
