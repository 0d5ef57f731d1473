import type { Desk } from "./desk.ts";
import { refOf, splitRef } from "./domain/ids.ts";

/** How often the ledger is asked whether anything happened, while somebody wants to know. */
const LOOK_MS = 500;

/** The longest address that can be subscribed to, and how many of them one session or one listen may have. */
const URI_CHARS = 500;
export const MOST_URIS = 200;
/** What of ours can change. Another scheme is nobody's here; the protocol lets a client subscribe to it all the same. */
const CHANGING = /^(?!buyer:)|^buyer:\/\/(approval\/[^/]+|(quote|media-buy)\/[^/]+\/[^/]+)$/i;

/** Why these cannot all be subscribed to together, in a sentence for whoever asked; null when they can. */
export function whyNotWatched(uris: ReadonlySet<string>): string | null {
  if (uris.size > MOST_URIS)
    return `Nothing was subscribed to: ${MOST_URIS} resources at once are the most. End subscriptions that are no longer needed, then try again.`;
  const odd = [...uris].find((uri) => uri.length > URI_CHARS || !CHANGING.test(uri));
  if (odd === undefined) return null;
  return `Nothing was subscribed to: ${JSON.stringify(odd.slice(0, 60))} is no resource that changes. Subscribe to buyer://quote/{seller}/{id}, buyer://media-buy/{seller}/{id} or buyer://approval/{id}, of at most ${URI_CHARS} characters.`;
}

/**
 * Addresses of resources as they change, whoever changes them: this process, the terminal, another client's server. The
 * ledger is asked only between start and stop. Sellers are no part of the ledger, so nothing is told of them.
 */
export class ResourceChanges {
  readonly #desk: Desk;
  readonly #tell: (uris: readonly string[]) => void | Promise<void>;
  #timer: NodeJS.Timeout | null = null;
  /** Settled once it is known from which entry on changes are told. */
  #begun: Promise<void> = Promise.resolve();
  #seen = 0;
  #looking = false;

  constructor(desk: Desk, tell: (uris: readonly string[]) => void | Promise<void>) {
    this.#desk = desk;
    this.#tell = tell;
  }

  /** Settled once the point is known from which on changes are told. Started already, it goes on. */
  start(): Promise<void> {
    if (this.#timer) return this.#begun;
    // The program ends when its client leaves, whoever is still subscribed.
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
    this.#begun = this.#desk.newest().then(
      (newest) => {
        this.#seen = newest;
      },
      (error: unknown) => {
        this.stop();
        throw error;
      },
    );
    return this.#begun;
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#hear()
      .catch((error: unknown) => this.#desk.log("changes could not be told", { error: String(error) }))
      .finally(() => {
        this.#looking = false;
      });
  }

  async #hear(): Promise<void> {
    await this.#begun;
    if ((await this.#desk.newest()) <= this.#seen) return;
    const changed = new Set<string>();
    for (let more = true; more; ) {
      const ask = {
        campaign: null,
        flowId: null,
        buy: null,
        kind: null,
        since: null,
        after: this.#seen,
        limit: 500,
      };
      const page = await this.#desk.history(ask);
      for (const { stream } of page.rows) changed.add(stream);
      this.#seen = page.rows.at(-1)?.seq ?? this.#seen;
      more = page.more;
    }
    const uris = await Promise.all([...changed].map((stream) => this.#urisOf(stream)));
    await this.#tell([...new Set(uris.flat())]);
  }

  /** The addresses under which a stream of the ledger can be read. */
  async #urisOf(stream: string): Promise<readonly string[]> {
    const slash = stream.indexOf("/");
    const [kind, id] = [stream.slice(0, slash), stream.slice(slash + 1)];
    if (kind === "approval") return [`buyer://approval/${id}`];
    if (kind !== "quote") return [];
    const { deal } = (await this.#desk.line(id)).line;
    // A buy is found by its deal id too.
    const byDeal = deal ? [`buyer://media-buy/${refOf(splitRef(id).sellerId, deal.dealId)}`] : [];
    return [`buyer://quote/${id}`, `buyer://media-buy/${id}`, ...byDeal];
  }
}
