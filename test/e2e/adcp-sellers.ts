import * as z from "zod";
import type { AdcpMode } from "../../src/sandbox/adcp/profile.ts";
import type { FaultOrder } from "../../src/sandbox/control.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { openPublisher, type Publisher } from "../adcp/publisher.ts";
import { type AdcpVersion, requestErrors } from "../adcp/schemas.ts";
import { type Asked, openSdkSeller, type SdkSeller, type SdkSellerOptions } from "../adcp/sdk-seller.ts";
import { type ConfigFile, startDesk, type TestDesk } from "./fixtures.ts";

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

const called = z.object({
  params: z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()).default({}) }),
});
const messaged = z.object({
  params: z.object({
    message: z.object({
      parts: z.array(
        z.looseObject({ data: z.object({ skill: z.string(), input: z.record(z.string(), z.unknown()) }) }),
      ),
    }),
  }),
});

/** The AdCP task a JSON-RPC request names, over MCP or A2A; null for what belongs to the transport. */
export function askedIn(body: string): Asked | null {
  const json: unknown = JSON.parse(body || "null");
  const call = called.safeParse(json).data?.params;
  if (call) return { task: call.name, args: call.arguments };
  const data = messaged.safeParse(json).data?.params.message.parts[0]?.data;
  return data ? { task: data.skill, args: data.input } : null;
}

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
    asked: () => sandbox.requests(profile).flatMap(({ body }) => askedIn(body) ?? []),
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

/** How often a seller was asked to run a task. */
export function times(seller: StorySeller, task: string): number {
  return seller.asked().filter((asked) => asked.task === task).length;
}

/** The edition a request names for itself: 3.1 says so, 3.0 has no word for it. */
function editionOf({ args }: Asked): AdcpVersion {
  return args["adcp_version"] === "3.1" ? "3.1" : "3.0";
}

/**
 * What is wrong with the requests of one edition that reached these sellers, by the official schemas; and how many there
 * were, so that none at all is seen. Throws where the schemas of the edition are not here.
 */
export function checkedRequests(
  sellers: readonly StorySeller[],
  edition: AdcpVersion,
): { readonly count: number; readonly wrong: readonly string[] } {
  const mine = sellers.flatMap((seller) => seller.asked()).filter((asked) => editionOf(asked) === edition);
  const wrong = mine.flatMap(({ task, args }) =>
    requestErrors(edition, task, args).map((error) => `${task}: ${error} in ${JSON.stringify(args)}`),
  );
  return { count: mine.length, wrong: [...new Set(wrong)] };
}
