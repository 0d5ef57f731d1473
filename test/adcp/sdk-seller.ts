import { AsyncLocalStorage } from "node:async_hooks";
import { createRequire } from "node:module";
import {
  createA2AAdapter,
  createAdcpServerFromPlatform,
  createIdempotencyStore,
  createInMemoryTaskRegistry,
  type ExpressAppLike,
  InMemoryStateStore,
  memoryBackend,
  serve,
} from "@adcp/sdk/server";
import { type Asked, askedIn } from "./asked.ts";
import { type Cut, type Handle, LossyServer } from "./lossy-server.ts";
import { Books, type Buy, type OpenAccount } from "./sdk-books.ts";
import type { Channels } from "./sdk-catalogue.ts";
import { platformOf } from "./sdk-platform.ts";

export interface SdkSellerOptions {
  readonly carrier: "mcp" | "a2a";
  /** How accounts begin; one that waits has `setup`, and nothing can be bought on it. Default: active. */
  readonly accounts?: OpenAccount["status"];
  /** What its products run on, where not as the catalogue has it. */
  readonly channels?: Channels;
  /** The domain in `publisher_properties` of its products. */
  readonly publisherDomain?: string;
  /**
   * Checks requests against the SDK's own schemas, and refuses what they do not take. It costs more than two seconds of
   * processor time in each test file, some five times as much as `requestErrors` over what was {@link SdkSeller.asked}.
   */
  readonly strict?: boolean;
  /** Whether the A2A card names `get_adcp_capabilities`; the SDK leaves it out by itself. Default: it does. */
  readonly cardNamesCapabilities?: boolean;
}

/** A seller of somebody else's making, on loopback. */
export interface SdkSeller {
  /** The MCP endpoint, or the A2A endpoint; its card is at `<url>/.well-known/agent-card.json` and at the origin. */
  readonly url: string;
  readonly origin: string;
  /** What reached it, in order; a request that it refused or answered from its memory is here too. */
  readonly asked: readonly Asked[];
  /** The buys that exist. */
  buys(): readonly Buy[];
  /** How many insertion orders wait for a signature; waiting is all it takes to delay one. */
  waiting(): number;
  /** Its people sign the oldest insertion order; done when its task is. Throws where none waits. */
  sign(): Promise<void>;
  /** Its people reject the oldest insertion order; done when its task has failed. */
  reject(reason?: string): Promise<void>;
  /** Its people let every account in that waits. */
  activateAccounts(): void;
  /** Its ad server reports this share of each budget as spent. @param pacing 1 is on pace */
  deliver(share: number, pacing?: number): void;
  /** The next `create_media_buy` is carried out to the end, and its connection breaks before (default) or in the answer. */
  dropNextAnswer(cut?: Cut): void;
  close(): Promise<void>;
}

const quiet = () => undefined;

/** Whatever the SDK prints while it makes a server or answers is kept out of the output of a run. */
const inside = new AsyncLocalStorage<true>();
const { console: printer } = globalThis;
for (const word of ["log", "warn", "error"] as const) {
  const print = printer[word];
  printer[word] = (...words: unknown[]) => (inside.getStore() ? undefined : print.apply(printer, words));
}

/**
 * Opens a third-party AdCP 3.0 seller, made with the server side of `@adcp/sdk`: guaranteed buys are submitted and wait for
 * its people, auctions book at once. It speaks one carrier, and listens on loopback only.
 */
export async function openSdkSeller(options: SdkSellerOptions): Promise<SdkSeller> {
  const books = new Books(options.accounts ?? "active");
  const asked: Asked[] = [];
  const note = (body: unknown) => {
    const one = askedIn(body);
    if (one) asked.push(one);
  };
  const server = new LossyServer();
  await server.listen();
  const { origin } = server;
  const { publisherDomain = "acmeoutdoor.example", channels } = options;
  const platform = platformOf(books, { origin, publisherDomain, channels });
  const taskRegistry = createInMemoryTaskRegistry();
  const kept = {
    ...{ name: "third-party", version: "1.0.0", taskRegistry, stateStore: new InMemoryStateStore() },
    idempotency: createIdempotencyStore({ backend: memoryBackend(), ttlSeconds: 86_400 }),
    validation: { requests: options.strict ? "strict" : "off", responses: "off" },
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  } as const;
  const made = inside.run(true, () => createAdcpServerFromPlatform(platform, kept));
  const handle =
    options.carrier === "mcp"
      ? overMcp(made, note)
      : await overA2a(made, note, origin, options.cardNamesCapabilities ?? true);
  server.answerWith((incoming, outgoing) => inside.run(true, () => handle(incoming, outgoing)));

  const decide = async (refusal: string | null) => taskRegistry.awaitTask(books.decide(refusal));
  return {
    url: `${origin}/${options.carrier}`,
    origin,
    asked,
    buys: () => books.buys(),
    waiting: () => books.waiting(),
    sign: () => decide(null),
    reject: (reason = "The insertion order was not signed") => decide(reason),
    activateAccounts: () => books.activateAccounts(),
    deliver: (share, pacing = 1) => books.deliver(share, pacing),
    dropNextAnswer: (cut = "before headers") =>
      server.loseNext((body) => askedIn(body)?.task === "create_media_buy", cut),
    close: () => server.close(),
  };
}

type Made = ReturnType<typeof createAdcpServerFromPlatform>;

function overMcp(server: Made, note: (body: unknown) => void): Handle {
  // `serve` would bind every interface of the machine. It listens once it is ready, so it never is; its handler is used.
  const never = new Promise<void>(() => undefined);
  // By itself it makes a server for every request, which costs more than the answer.
  const inner = serve(() => server, {
    reuseAgent: true,
    readinessCheck: () => never,
    async preTransport(request) {
      note(JSON.parse(request.rawBody || "null"));
      return false;
    },
  });
  return (incoming, outgoing) => {
    // A stream of the server's own would keep that one server from everybody else; there need be none.
    if (incoming.method === "GET") outgoing.writeHead(405).end();
    else inner.emit("request", incoming, outgoing);
  };
}

/** As much of Express, which has no types here, as is used. */
type Express = (() => ExpressAppLike & Handle) & { json(): Middleware };
type Middleware = (request: { readonly body: unknown }, response: unknown, next: () => void) => void;

async function overA2a(
  server: Made,
  note: (body: unknown) => void,
  origin: string,
  namesCapabilities: boolean,
): Promise<Handle> {
  const about = { name: "third-party", description: "A seller for tests", url: `${origin}/a2a`, version: "1.0.0" };
  const { skills } = await createA2AAdapter({ server, agentCard: about }).getAgentCard();
  const capabilities = {
    id: "get_adcp_capabilities",
    name: "Capabilities",
    description: "What it can do",
    tags: ["adcp"],
  };
  const agentCard = namesCapabilities ? { ...about, skills: [...skills, capabilities] } : about;
  const express: Express = createRequire(import.meta.url)("express");
  const app = express();
  const listen: Middleware = ({ body }, _response, next) => {
    note(body);
    next();
  };
  for (const handler of [express.json(), listen]) app.use("/", handler);
  createA2AAdapter({ server, agentCard }).mount(app);
  return app;
}
