import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect } from "vitest";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/sandbox.ts";
import { approving, type ConnectOptions, type Connection, connect, type ServerStart } from "./client.ts";
import { HttpServer } from "./http-server.ts";
import { type ServedHere, serveStdioHere } from "./served-here.ts";

/** The program as its users start it. */
export const mainFile = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

/** A config file's content, as an operator writes it. */
export type ConfigFile = Record<string, unknown>;

export interface DeskOptions {
  /** The sellers, in this process; see `startSandbox`. */
  readonly sandbox?: SandboxOptions;
  /** Changes the config file: gets the one that a desk with three sellers and a generous mandate has. */
  readonly config?: (standard: ConfigFile) => ConfigFile;
}

/** What a command of the program printed, and its exit code. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A desk of its own in a temporary directory: any number of servers, in this process or their own, and clients on one ledger. */
export class TestDesk {
  readonly directory: string;
  /** Sellers in this process; null on a desk without config, which has a sandbox process of its own. */
  readonly #sandbox: Sandbox | null;
  readonly #environment: Record<string, string>;
  readonly #connections: Connection[] = [];
  readonly #servers: HttpServer[] = [];
  readonly #served: { stop(): Promise<unknown> }[] = [];

  constructor(directory: string, sandbox: Sandbox | null, environment: Record<string, string>) {
    this.directory = directory;
    this.#sandbox = sandbox;
    this.#environment = environment;
  }

  /** How a server process of this desk is started. */
  get start(): ServerStart {
    return { command: process.execPath, args: [mainFile], env: this.#environment };
  }

  /** The hand behind the sellers: faults, books, requests. */
  get sandbox(): Sandbox {
    if (!this.#sandbox) throw new Error("this desk's sellers run in a process of their own");
    return this.#sandbox;
  }

  /**
   * A new client, with a new server unless it goes `over` one that listens. The server is in this process, with a ledger
   * of its own on the same file; where processes are what is shown, it is {@link spawn}ed.
   */
  async connect(options: ConnectOptions = {}): Promise<Connection> {
    if (options.over) return this.spawn(options);
    const connection = await connect(this.serve(), options);
    this.#connections.push(connection);
    return connection;
  }

  /** A new client, with a new server process unless it goes `over` one that listens. */
  async spawn(options: ConnectOptions = {}): Promise<Connection> {
    const connection = await connect(this.start, options);
    this.#connections.push(connection);
    return connection;
  }

  /** A server for one client in this process, at the ends of two pipes. */
  serve(): ServedHere {
    const served = serveStdioHere(this.start);
    this.#served.push(served);
    return served;
  }

  /** A server of this desk that listens for HTTP, in this process. */
  async serveHttp(): Promise<HttpServer> {
    const server = await HttpServer.here(this.start);
    this.#served.push(server);
    return server;
  }

  /** A server process of this desk that listens for HTTP. */
  async spawnHttp(): Promise<HttpServer> {
    const server = await HttpServer.start(this.start);
    this.#servers.push(server);
    return server;
  }

  /** Runs a command of the program to its end, e.g. `run("sandbox", "status")`. */
  run(...args: readonly string[]): Promise<Ran> {
    return new Promise((resolve) => {
      execFile(process.execPath, [mainFile, ...args], { env: this.#environment }, (error, stdout, stderr) => {
        const code = typeof error?.code === "number" ? error.code : error ? 1 : 0;
        resolve({ code, stdout, stderr });
      });
    });
  }

  /** Ends every server of the desk and removes its files. */
  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close().catch(() => undefined)));
    for (const { pid } of [...this.#connections, ...this.#servers]) end(pid);
    await Promise.all(this.#served.map((server) => server.stop()));
    if (this.#sandbox) await this.#sandbox.close();
    else await this.run("sandbox", "reset");
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** A desk with a config file and sandbox sellers in this process, reached over real HTTP. */
export async function startDesk(options: DeskOptions = {}): Promise<TestDesk> {
  const sandbox = await startSandbox(options.sandbox);
  const standard = standardConfig(sandbox);
  const text = JSON.stringify(options.config?.(standard) ?? standard);
  const directory = mkdtempSync(join(tmpdir(), "mbm-desk-"));
  const file = join(directory, "config.json");
  writeFileSync(file, text);
  return new TestDesk(directory, sandbox, { ...environmentIn(directory), MEDIA_BUYER_CONFIG: file });
}

/** The desk that somebody without a config gets, with a sandbox process of its own. */
export function startSandboxDesk(): TestDesk {
  const directory = mkdtempSync(join(tmpdir(), "mbm-sandbox-"));
  return new TestDesk(directory, null, environmentIn(directory));
}

/** {@link sharedDesk}: its parts are there while tests run. */
export interface SharedDesk {
  readonly desk: TestDesk;
  /** Its person approves everything. */
  readonly client: Connection;
  /** Another client in the place of that one, with a server of its own. */
  reconnect(): Promise<void>;
}

/** A desk for all tests of a file, with one client. */
export function sharedDesk(open: () => Promise<TestDesk>): SharedDesk {
  let there: { readonly desk: TestDesk; client: Connection } | undefined;
  const now = () => there ?? expect.fail("a shared desk is there only while tests run");
  beforeAll(async () => {
    const desk = await open();
    there = { desk, client: await desk.connect({ person: approving }) };
  });
  afterAll(async () => there?.desk.close());
  return {
    get desk() {
      return now().desk;
    },
    get client() {
      return now().client;
    },
    async reconnect() {
      now().client = await now().desk.connect({ person: approving });
    },
  };
}

/** A day in the future, so that no test grows old: `flight(30, 60)` begins in 30 days. */
export function flight(fromDays = 30, toDays = 90): { start: string; end: string } {
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  return { start: day(fromDays), end: day(toDays) };
}

export interface Bought {
  readonly product?: string;
  readonly impressions?: number;
  readonly campaign?: string;
  readonly deal_type?: string;
}

/** One open quote. Pass other impressions for another quote: the same item brings the same one back. */
export async function quoteFrom(connection: Connection, what: Bought = {}): Promise<string> {
  const { product = "northbeam/prod-53e78a97", impressions = 1_000_000, campaign, deal_type = "PG" } = what;
  const item = { product, flight: flight(), impressions, deal_type };
  const reply = await connection.ok("request_quote", { items: [item], ...(campaign ? { campaign } : {}) });
  return reply.string("quotes", 0, "quote_id");
}

/** Deals that a seller's books hold for a quote: what counts, whatever anybody said. */
export function dealsOf(desk: TestDesk, quoteId: string): number {
  const [seller = "", id = ""] = quoteId.split("/");
  return desk.sandbox.deals(seller, id).length;
}

const trust: Readonly<Record<string, string>> = { northbeam: "preferred", harborview: "verified" };

/** What an operator with these sellers and a generous mandate writes into the config file. */
export function standardConfig(sandbox: Sandbox): ConfigFile {
  const most = { per_buy: "250000.00 USD", per_day: "1000000.00 USD" };
  return {
    desk: "acme",
    advertiser: "Acme Outdoor",
    buyer: { seat_id: "seat-1", agency_id: "agency-1", advertiser_id: "adv-1", advertiser_name: "Acme Outdoor" },
    ...(sandbox.sellers.some(({ protocol }) => protocol === "adcp")
      ? { adcp: { account: { brand: "acmeoutdoor.example", operator: "agency.example", billing: "operator" } } }
      : {}),
    sellers: sandbox.sellers.map(({ id, name, domain, url, keys, protocol, publishers = {} }) => ({
      id,
      name,
      domain,
      url,
      ...(protocol === "adcp" ? { protocol, publishers } : {}),
      trust: trust[id] ?? "registered",
      relationship: "established",
      credentials: Object.fromEntries(Object.entries(keys).map(([tier, key]) => [tier, { api_key: key }])),
    })),
    mandate: {
      currency: "USD",
      ...most,
      max_cpm: "60.00 USD",
      min_trust: "registered",
      time_zone: "UTC",
      channels: { form: most, terminal: most },
    },
    allow_loopback: true,
  };
}

function environmentIn(directory: string): Record<string, string> {
  // HOME too: a config of whoever runs the tests must not be found.
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: directory,
    XDG_CONFIG_HOME: join(directory, "xdg"),
    LOCALAPPDATA: join(directory, "xdg"),
    MEDIA_BUYER_DATA_DIR: join(directory, "data"),
  };
}

function end(pid: number): void {
  try {
    if (pid > 0) process.kill(pid, "SIGKILL");
  } catch {
    // It has left already, as it should.
  }
}
