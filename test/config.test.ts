import { spawn, spawnSync } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { inspect } from "node:util";
import { pino } from "pino";
import { afterAll, describe, expect, test } from "vitest";
import { ConfigError, configSchema, parseConfig, sandboxConfig } from "../src/config.ts";
import { Secret } from "../src/domain/secret.ts";
import { openDesk } from "../src/desk.ts";
import { money } from "../src/domain/money.ts";
import { verifies } from "./requirements.ts";

const folder = mkdtempSync(join(tmpdir(), "media-buyer-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const mandate = {
  currency: "EUR",
  per_buy: "5000.00 EUR",
  per_day: "10000.00 EUR",
  max_cpm: "40.00 EUR",
  min_trust: "registered",
  time_zone: "Europe/Berlin",
};
const seller = { id: "northbeam", url: "https://agent.northbeam.example", trust: "verified" };
const least = { desk: "acme", advertiser: "Acme Outdoor" };

const parse = (config: object, environment: Record<string, string> = {}) =>
  parseConfig(JSON.stringify(config), "config.json", environment);

/** What a refused config says. */
function refusal(config: object | string, environment: Record<string, string> = {}): string {
  try {
    parseConfig(typeof config === "string" ? config : JSON.stringify(config), "config.json", environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return expect.fail("it was accepted");
}

describe("a config file", () => {
  test("needs a desk and an advertiser, and has a default for everything else", () => {
    verifies("config.settings", "stack.zod");
    const config = parse(least);
    expect(config).toMatchObject({
      desk: "acme",
      advertiser: "Acme Outdoor",
      sandbox: false,
      buyer: {},
      sellers: [],
      approval: { expires_after_minutes: 1440 },
      cache: { ttl_s: 300 },
      timeouts: { discovery_s: 10, media_kit_s: 15, booking_s: 30 },
      booking: { settle_after_s: 300, follow_every_s: 30 },
      allow_loopback: false,
    });
    expect(config.mandate).toBeUndefined();
    expect(refusal({ desk: "acme" })).toContain("advertiser:");
    expect(refusal({ advertiser: "Acme" })).toContain("desk:");
  });

  test("keeps what it sets", () => {
    const config = parse({ ...least, timeouts: { booking_s: 5 }, cache: { ttl_s: 0 }, booking: { settle_after_s: 1 } });
    expect(config.timeouts).toEqual({ discovery_s: 10, media_kit_s: 15, booking_s: 5 });
    expect(config.cache).toEqual({ ttl_s: 0 });
    expect(config.booking).toEqual({ settle_after_s: 1, follow_every_s: 30, hold_before_approval: false });
  });

  test.each([
    ["at the top", { ...least, mandat: {} }, "mandat"],
    ["in the mandate", { ...least, mandate: { ...mandate, per_month: "1 EUR" } }, "per_month"],
    ["in a channel", { ...least, mandate: { ...mandate, channels: { form: { perbuy: "1 EUR" } } } }, "perbuy"],
    ["as a channel", { ...least, mandate: { ...mandate, channels: { passkey: {} } } }, "passkey"],
    ["in a seller", { ...least, sellers: [{ ...seller, trusted: true }] }, "trusted"],
    ["in a credential", { ...least, sellers: [{ ...seller, credentials: { seat: { token: "x" } } }] }, "token"],
    ["as a tier", { ...least, sellers: [{ ...seller, credentials: { public: { bearer: "x" } } }] }, "public"],
    ["in the buyer", { ...least, buyer: { seat: "x" } }, "seat"],
    ["in the timeouts", { ...least, timeouts: { discovery: 1 } }, "discovery"],
    ["in the booking", { ...least, booking: { auto_approve: true } }, "auto_approve"],
  ])("with an unknown key %s is refused by name", (_where, config, name) => {
    verifies("config.settings");
    expect(refusal(config)).toContain(name);
  });

  test.each([
    ["a number for an amount", { ...mandate, per_buy: 5000 }, "mandate.per_buy"],
    ["an amount without a currency", { ...mandate, per_buy: "5000" }, "mandate.per_buy"],
    ["more digits than the currency has", { ...mandate, max_cpm: "1.1234567 EUR" }, "mandate.max_cpm"],
    ["an amount in another currency", { ...mandate, per_day: "10000.00 USD" }, "must be in EUR"],
    ["a channel in another currency", { ...mandate, channels: { form: pair("1.00 USD") } }, "must be in EUR"],
    ["a currency that is none", { ...mandate, currency: "EURO" }, "mandate.currency"],
    ["a currency in small letters", { ...mandate, currency: "eur" }, "mandate.currency"],
    ["a time zone that is none", { ...mandate, time_zone: "Europe/Berlim" }, "mandate.time_zone"],
    ["trust that would let blocked sellers in", { ...mandate, min_trust: "blocked" }, "mandate.min_trust"],
    ["one limit missing", { ...mandate, per_day: undefined }, "mandate.per_day"],
  ])("with %s in the mandate is refused", (_what, wrong, where) => {
    verifies("config.settings");
    expect(refusal({ ...least, mandate: wrong })).toContain(where);
  });

  test("names every line that is wrong at once, and that nothing was started", () => {
    const said = refusal({ desk: "Acme Desk", advertiser: "", allow_loopback: "yes" });
    expect(said).toMatch(/^config\.json cannot be used:\n/);
    for (const line of ["desk:", "advertiser:", "allow_loopback:", "Nothing was started."])
      expect(said).toContain(line);
    expect(refusal("{")).toContain("not JSON");
  });

  test("with two sellers of one id is refused", () => {
    expect(refusal({ ...least, sellers: [seller, { ...seller, url: "https://other.example" }] })).toContain(
      "northbeam is there twice",
    );
  });

  test("without a channel gives that channel no amount, and none is given by default", () => {
    verifies("approval.auto_approve");
    expect(parse({ ...least, mandate }).mandate?.channels).toEqual({});
    const { channels } =
      parse({ ...least, mandate: { ...mandate, channels: { form: pair("10.00 EUR") } } }).mandate ?? {};
    expect(channels).toEqual({ form: { perBuy: money(10_000_000n, "EUR"), perDay: money(10_000_000n, "EUR") } });
  });

  test("decides from which deal value on more of the buyer is shown; else it is 25,000 and 100,000 in its currency", () => {
    verifies("identity.threshold.setting");
    const revealFrom = (config: object) =>
      openDesk({ config: parse(config), dataHome: folder, log: () => undefined, sandboxSellers: null }).settings
        .revealFrom;
    const own = { agency: "10.00 EUR", advertiser: "20.00 EUR" };
    expect(revealFrom({ ...least, mandate, reveal_from: own })).toEqual({
      agency: money(10_000_000n, "EUR"),
      advertiser: money(20_000_000n, "EUR"),
    });
    expect(revealFrom({ ...least, mandate })).toEqual({
      agency: money(25_000_000_000n, "EUR"),
      advertiser: money(100_000_000_000n, "EUR"),
    });
    expect(revealFrom(least)).toBeNull();
  });
});

describe("secrets", () => {
  const word = "sk-live-4711";
  const credentials = { seat: { api_key: word }, agency: { bearer: "env:AGENCY_TOKEN" } };
  const config = parse({ ...least, sellers: [{ ...seller, credentials }] }, { AGENCY_TOKEN: `${word}-agency` });

  test("come from the file or, as env:NAME, from the environment", () => {
    verifies("config.from_environment");
    const held = config.sellers[0]?.credentials;
    expect(held?.seat).toMatchObject({ kind: "api_key" });
    expect(held?.seat?.secret.reveal()).toBe(word);
    expect(held?.agency).toMatchObject({ kind: "bearer" });
    expect(held?.agency?.secret.reveal()).toBe(`${word}-agency`);
  });

  test("that the environment does not hold end the start, naming setting and variable", () => {
    const wrong = { ...least, sellers: [{ ...seller, credentials }] };
    for (const environment of [{}, { AGENCY_TOKEN: "" }]) {
      expect(refusal(wrong, environment)).toContain("sellers.northbeam.credentials.agency");
      expect(refusal(wrong, environment)).toContain("AGENCY_TOKEN is not set");
    }
    expect(refusal({ ...least, sellers: [{ ...seller, credentials: { seat: {} } }] })).toContain(
      "one of bearer, api_key and access_token",
    );
  });

  test("print as *** in JSON, text, inspection and the log", () => {
    const lines: string[] = [];
    const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
    log.info({ config, secret: config.sellers[0]?.credentials.seat?.secret }, `started with ${new Secret(word)}`);
    const shown = [
      JSON.stringify(config),
      inspect(config, { depth: null, showHidden: true }),
      String(new Secret(word)),
      ...lines,
    ];
    for (const text of shown) {
      expect(text).not.toContain(word);
      expect(text).toContain("***");
    }
  });

  test("are in no refusal", () => {
    const both = { seat: { api_key: word, bearer: word } };
    expect(refusal({ ...least, sellers: [{ ...seller, credentials: both }] })).not.toContain(word);
    expect(refusal({ ...least, sellers: [{ ...seller, credentials: { seat: { key: word } } }] })).not.toContain(word);
  });
});

describe("the sandbox's own config", () => {
  test("is one, spends dollars, and approves nothing by itself", () => {
    const config = sandboxConfig();
    expect(config).toMatchObject({ sandbox: true, sellers: [], desk: "sandbox" });
    expect(config.mandate?.channels.auto).toBeUndefined();
    expect(config.mandate?.currency).toBe("USD");
  });

  test("cannot be asked for in a file: a desk is a sandbox only without one", () => {
    verifies("promise.sandbox_apart");
    expect(refusal({ ...least, sandbox: true })).toContain("sandbox");
    expect(refusal({ ...least, desk: "sandbox" })).toContain("desk: sandbox is the sandbox desk's own name");
    expect(Object.keys(configSchema.shape)).not.toContain("sandbox");
  });
});

describe("the program", () => {
  const start = (config: string) => {
    const file = join(folder, "desk.json");
    writeFileSync(file, config);
    const args = ["dist/main.js", "--config", file, "--data-dir", folder];
    return spawnSync(process.execPath, args, { input: "", encoding: "utf8", timeout: 15_000 });
  };

  test("does not start with a config it cannot use, and says why on standard error alone", () => {
    verifies("config.settings");
    const { status, stdout, stderr } = start(JSON.stringify({ ...least, mandate: { ...mandate, per_buy: "lots" } }));
    expect(stdout).toBe("");
    expect(stderr).toContain("mandate.per_buy");
    expect(status).toBe(2);
  });

  test("does not fall back to the sandbox when a named file is not there", () => {
    const missing = ["dist/main.js", "--config", join(folder, "nowhere.json")];
    const { status, stdout, stderr } = spawnSync(process.execPath, missing, {
      input: "",
      encoding: "utf8",
      timeout: 15_000,
    });
    expect(stdout).toBe("");
    expect(stderr).toContain("nowhere.json");
    expect(status).toBe(2);
  });
});

describe("a session over stdio", () => {
  test("has protocol messages alone on standard output, and a log without secrets on standard error", async () => {
    verifies("server.stdio", "stack.pino");
    const word = "sk-live-0815";
    const file = join(folder, "live.json");
    const here = { ...seller, url: `http://127.0.0.1:${await closedPort()}`, credentials: { seat: { bearer: word } } };
    writeFileSync(file, JSON.stringify({ ...least, sellers: [here], mandate, allow_loopback: true }));
    const { stdout, stderr } = await session(
      ["dist/main.js", "--config", file, "--data-dir", folder],
      [
        { method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo } },
        { method: "tools/call", params: { name: "get_inbox", arguments: {} } },
        { method: "tools/call", params: { name: "get_media_kit", arguments: { deadline_s: 5 } } },
      ],
    );
    expect(stdout).toHaveLength(3);
    for (const line of stdout) expect(JSON.parse(line)).toMatchObject({ jsonrpc: "2.0", result: expect.anything() });
    const logged = stderr.map((line): unknown => JSON.parse(line));
    const call = {
      level: 30,
      ms: expect.any(Number),
      outcome: "ok",
      client: "config-test 1",
      time: expect.any(String),
    };
    for (const msg of ["get_inbox", "get_media_kit"])
      expect(logged).toContainEqual(expect.objectContaining({ msg, ...call }));
    // The seller was tried with its token, and could not be reached: the failure is logged, the token is not.
    expect(stdout.join()).toContain("unreachable");
    expect(stderr.join()).toContain("seller failed");
    expect(stdout.join() + stderr.join()).not.toContain(word);
  });
});

const clientInfo = { name: "config-test", version: "1" };

/** Sends requests one after the other to a server of its own, then ends its input; all lines it wrote, whole. */
async function session(args: readonly string[], requests: readonly object[]) {
  const child = spawn(process.execPath, [...args], { env: { ...process.env, MEDIA_BUYER_LOG: "debug" } });
  const written = { stdout: "", stderr: "" };
  const answers = new EventEmitter();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => {
      written[name] += chunk;
      answers.emit(name);
    });
  }
  const lines = (text: string) => text.split("\n").filter((line) => line !== "");
  for (const [at, request] of requests.entries()) {
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: at + 1, ...request })}\n`);
    while (lines(written.stdout).length < at + 1 || !written.stdout.endsWith("\n")) await once(answers, "stdout");
  }
  child.stdin.end();
  await once(child, "close");
  return { stdout: lines(written.stdout), stderr: lines(written.stderr) };
}

/** A port of this machine on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : expect.fail("no port");
}

function pair(amount: string) {
  return { per_buy: amount, per_day: amount };
}
