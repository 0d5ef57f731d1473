import { afterAll, expect, test } from "vitest";
import type { AdcpMode } from "../../src/sandbox/adcp/profile.ts";
import type { FaultOrder } from "../../src/sandbox/control.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { type Asked, askedInBody } from "../adcp/asked.ts";
import { openPublisher, type Publisher } from "../adcp/publisher.ts";
import { type AdcpVersion, requestErrors, whyNoSchemas } from "../adcp/schemas.ts";
import type { SdkSeller, SdkSellerOptions } from "../adcp/sdk-seller.ts";
import { type ConfigFile, type SharedDesk, sharedDesk, startDesk, type TestDesk } from "./fixtures.ts";

/** AdCP sellers of different makes behind one face, so that one story is told over all of them. */

/** What a seller's books hold of a buy, whatever its answers said. Amounts in US dollars, as on the wire. */
export interface BookedThere {
  readonly id: string;
  readonly packages: readonly { readonly product: string; readonly budget: number; readonly bid: number | null }[];
}

/** One AdCP seller, and the people behind it. */
export interface StorySeller {
  readonly id: string;
  /** As an operator writes it into the config. */
  readonly entry: ConfigFile;
  /** Every AdCP task that reached it, with the arguments as sent, in order. */
  asked(): readonly Asked[];
  buys(): readonly BookedThere[];
  /** Its people sign what came last. */
  sign(): Promise<void>;
  /** Its people turn down what came last. */
  reject(reason: string): Promise<void>;
  /** Its people open the accounts that wait. */
  openAccounts(): void;
  /** The next booking is carried out, and its answer is lost. */
  loseNextAnswer(): void;
  close(): Promise<void>;
}

/** A sandbox seller of its own, with the hand behind it. */
export interface RawSeller extends StorySeller {
  readonly sandbox: Sandbox;
  /** Its name in the sandbox. */
  readonly profile: "streamhaus" | "openbid";
  fault(order: FaultOrder): void;
}

const common = { trust: "registered", relationship: "established", protocol: "adcp" } as const;

/** Our own sandbox's seller, in these modes from its first day, under this name on the desk. */
export async function rawSeller(
  id: string,
  profile: RawSeller["profile"],
  ...modes: readonly AdcpMode[]
): Promise<RawSeller> {
  const sandbox = await startSandbox({ sellers: [], adcp: [profile] });
  sandbox.adcp.modes(profile, ...modes);
  const { url, keys, publishers = {} } = sandbox.seller(profile);
  const credentials = Object.fromEntries(Object.entries(keys).map(([tier, key]) => [tier, { api_key: key }]));
  return {
    id,
    sandbox,
    profile,
    entry: { ...common, id, name: id, domain: `${id}.example`, url, publishers, credentials },
    asked: () => sandbox.requests(profile).flatMap(({ body }) => askedInBody(body) ?? []),
    buys: () =>
      sandbox.adcp.buys(profile).map(({ media_buy_id, packages }) => ({
        id: media_buy_id,
        packages: packages.map(({ product_id: product, budget, bid_price: bid }) => ({ product, budget, bid })),
      })),
    sign: async () => void sandbox.adcp.sign(profile),
    reject: async (reason) => void sandbox.adcp.reject(profile, undefined, reason),
    openAccounts: () => void sandbox.adcp.sign(profile),
    loseNextAnswer: () => sandbox.fault(profile, { kind: "drop-answer", operation: "deal", uses: 1 }),
    fault: (order) => sandbox.fault(profile, order),
    close: () => sandbox.close(),
  };
}

/** A seller of somebody else's making (`@adcp/sdk`, AdCP 3.0), and the publisher that lets it sell. */
export async function sdkSeller(
  id: string,
  options: SdkSellerOptions,
): Promise<StorySeller & { readonly sdk: SdkSeller; readonly publisher: Publisher }> {
  const publisherDomain = `${id}-publisher.example`;
  const publisher = await openPublisher(publisherDomain);
  // Loading it takes seconds, which only who tells a story with it should wait.
  const { openSdkSeller } = await import("../adcp/sdk-seller.ts");
  const sdk = await openSdkSeller({ ...options, publisherDomain });
  publisher.authorize(sdk.url);
  const publishers = { [publisherDomain]: publisher.base };
  return {
    id,
    sdk,
    publisher,
    entry: { ...common, id, name: id, domain: `${id}.example`, url: sdk.url, publishers },
    asked: () => sdk.asked,
    buys: () =>
      sdk.buys().map(({ id: buy, packages }) => ({
        id: buy,
        packages: packages.map(({ product_id: product = "", budget = 0, bid_price: bid = null }) => ({
          ...{ product, budget, bid },
        })),
      })),
    sign: () => sdk.sign(),
    reject: (reason) => sdk.reject(reason),
    openAccounts: () => sdk.activateAccounts(),
    loseNextAnswer: () => sdk.dropNextAnswer(),
    async close() {
      await Promise.all([sdk.close(), publisher.close()]);
    },
  };
}

/** A desk that buys from these sellers, and looks at what waits every second. */
export function adcpDesk(
  sellers: readonly StorySeller[],
  change: (standard: ConfigFile) => ConfigFile = (standard) => standard,
): Promise<TestDesk> {
  return startDesk({
    sandbox: { sellers: [] },
    config: (standard) =>
      change({
        ...standard,
        adcp: { account: { brand: "acmeoutdoor.example", operator: "agency.example", billing: "operator" } },
        booking: { settle_after_s: 1, follow_every_s: 1 },
        sellers: sellers.map(({ entry }) => entry),
      }),
  });
}

/** A desk that knows some sellers, for all tests of a file. */
export interface Story<Makers> extends SharedDesk {
  seller<Id extends keyof Makers>(id: Id): Made<Makers, Id>;
  /** Every AdCP task that reached any of them. */
  asked(): readonly Asked[];
}

type Make = (id: string) => Promise<StorySeller>;
type Made<Makers, Id extends keyof Makers> = Makers[Id] extends (id: string) => Promise<infer Seller> ? Seller : never;

/** Opens sellers and a desk on them. @param makers what opens each, by its name on the desk */
export function story<Makers extends Readonly<Record<string, Make>>>(makers: Makers): Story<Makers> {
  const opened = new Map<keyof Makers, StorySeller>();
  const seller = (id: keyof Makers) => opened.get(id) ?? expect.fail(`there is no seller ${String(id)}`);
  const sellers = () => Object.keys(makers).map(seller);
  // Hooks run from the last to the first: the desk closes before its sellers do.
  afterAll(async () => void (await Promise.all([...opened.values()].map((one) => one.close()))));
  const on = sharedDesk(async () => {
    await Promise.all(Object.entries(makers).map(async ([id, make]) => opened.set(id, await make(id))));
    return adcpDesk(sellers());
  });
  return {
    get desk() {
      return on.desk;
    },
    get client() {
      return on.client;
    },
    reconnect: on.reconnect,
    // Each was put there by the maker of that name.
    seller: <Id extends keyof Makers>(id: Id) => seller(id) as Made<Makers, Id>,
    asked: () => sellers().flatMap((one) => one.asked()),
  };
}

/**
 * The last tests of a file: what its stories sent was valid, by the official schemas of the edition it was sent in.
 * @param least how much there was of each edition, so that none at all is seen
 * @param task what must be among it
 */
export function requestsAreValid(
  asked: () => readonly Asked[],
  least: Readonly<Record<AdcpVersion, number>>,
  task: string,
): void {
  const check = (edition: AdcpVersion) => {
    const mine = asked().filter((one) => editionOf(one) === edition);
    const wrong = mine.flatMap((one) =>
      requestErrors(edition, one.task, one.args).map((error) => `${one.task}: ${error} in ${JSON.stringify(one.args)}`),
    );
    expect([...new Set(wrong)]).toEqual([]);
    expect(mine.length).toBeGreaterThan(least[edition]);
    expect(asked().map((one) => one.task)).toContain(task);
  };
  test("every request is a valid one of AdCP 3.0", () => check("3.0"));
  const why = whyNoSchemas("3.1");
  const title = `every request is a valid one of AdCP 3.1${why ? `: not here, ${why}` : ""}`;
  test.runIf(whyNoSchemas("3.1") === null)(title, () => check("3.1"));
}

/** How often a seller was asked to run a task. */
export function times(seller: StorySeller, task: string): number {
  return seller.asked().filter((asked) => asked.task === task).length;
}

/** The edition a request names for itself: 3.1 says so, 3.0 has no word for it. */
function editionOf({ args }: Asked): AdcpVersion {
  return args["adcp_version"] === "3.1" ? "3.1" : "3.0";
}
