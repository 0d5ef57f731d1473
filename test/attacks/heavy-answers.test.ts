import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import process from "node:process";
import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { balancesOf } from "../e2e/booking-fixtures.ts";
import { approving, at, type Connection } from "../e2e/client.ts";
import { flight } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";
import { changed, type Given, type HostileDesk, hostileDesk, hostileProduct, product } from "./hostile-seller.ts";

// Several servers start at once here, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/**
 * Answers that are too much, too slow, or no answer: each costs only its seller, within the time-outs of the config and a
 * bounded amount of memory, and the planner is told which seller it was.
 */
let stage: HostileDesk;
let model: Connection;
let impressions = 400_000;
beforeAll(async () => {
  stage = await hostileDesk((standard) => ({
    ...standard,
    timeouts: { discovery_s: 1, media_kit_s: 1, booking_s: 1 },
  }));
  model = await stage.desk.spawn({ person: approving });
  await model.ok("get_media_kit");
});
beforeEach(() => stage.hostile.straighten());
afterAll(() => stage.close());

const json = { "content-type": "application/json" };
const honest = { products: [product], total_count: 1 };
/** 32 MB of nothing, which compress to next to nothing. */
const bomb = Buffer.from(JSON.stringify({ ...honest, padding: " ".repeat(32 << 20) }));

/** Writes for as long as somebody listens. */
function endless(chunk: string | Buffer, everyMs: number): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(200, json);
    const timer = setInterval(() => response.write(chunk), everyMs);
    response.on("close", () => clearInterval(timer));
    response.on("error", () => clearInterval(timer));
  };
}

const compressed =
  (encoding: string, packed: Buffer): (() => Given) =>
  () => ({ send: (response) => response.writeHead(200, { ...json, "content-encoding": encoding }).end(packed) });
const text =
  (body: string, headers: Record<string, string> = json): (() => Given) =>
  () => ({ text: body, headers });

interface Heavy {
  readonly what: string;
  readonly given: () => Given;
  readonly status: "invalid_answer" | "timeout" | "unreachable";
}

const heavy: readonly Heavy[] = [
  {
    what: "twelve megabytes",
    given: text(JSON.stringify({ ...honest, padding: "x".repeat(12 << 20) })),
    status: "invalid_answer",
  },
  {
    what: "megabytes without an end",
    given: () => ({ send: endless(Buffer.alloc(1 << 20, 0x20), 1) }),
    status: "invalid_answer",
  },
  { what: "a byte now and then", given: () => ({ send: endless(" ", 20) }), status: "timeout" },
  { what: "nothing at all", given: () => ({ send: () => undefined }), status: "timeout" },
  {
    what: "the whole answer, a moment after the deadline",
    given: () => ({
      send: (response) => void setTimeout(() => response.writeHead(200, json).end(JSON.stringify(honest)), 1_200),
    }),
    status: "timeout",
  },
  { what: "a gzip bomb", given: compressed("gzip", gzipSync(bomb)), status: "invalid_answer" },
  {
    what: "a brotli bomb",
    given: compressed("br", brotliCompressSync(bomb, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })),
    status: "invalid_answer",
  },
  {
    what: "a deflate bomb in gzip",
    given: compressed("deflate, gzip", gzipSync(deflateSync(bomb))),
    status: "invalid_answer",
  },
  {
    what: "a million nested lists",
    given: text(`${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`),
    status: "invalid_answer",
  },
  {
    what: "a million nested objects where the products belong",
    given: text(`{"products":${'{"a":'.repeat(400_000)}1${"}".repeat(400_000)}}`),
    status: "invalid_answer",
  },
  { what: "JSON that ends in the middle", given: text(JSON.stringify(honest).slice(0, -20)), status: "invalid_answer" },
  {
    what: "JSON in a page of HTML",
    given: text(JSON.stringify(honest), { "content-type": "text/html" }),
    status: "invalid_answer",
  },
  {
    what: "two answers in one",
    given: text(`${JSON.stringify(honest)}${JSON.stringify(honest)}`),
    status: "invalid_answer",
  },
  { what: "products that are no list", given: text('{"products":{"length":1e9,"0":{}}}'), status: "invalid_answer" },
  {
    what: "a hundred thousand headers' worth of one header",
    given: () => ({ json: honest, headers: { "x-padding": "x".repeat(100_000) } }),
    status: "invalid_answer",
  },
  {
    what: "less than it promised",
    given: () => ({
      send: (response) => {
        response.writeHead(200, { ...json, "content-length": "100000" });
        response.write("{");
        setTimeout(() => response.destroy(), 20);
      },
    }),
    status: "unreachable",
  },
];

/** The most memory the server process ever had, in bytes; null where the system does not tell. */
function mostMemory(): number | null {
  if (process.platform !== "linux") return null;
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${model.pid}/status`, "utf8"))?.[1];
  return peak === undefined ? null : Number(peak) * 1024;
}

describe("a media kit that is", () => {
  test.each(heavy)("$what: costs only that seller, in time", async ({ given, status }) => {
    verifies("error.one_blocks_none", "kit.status_per_seller");
    stage.hostile.twist("products", given);
    const before = mostMemory();
    const started = performance.now();
    const kit = await model.ok("get_media_kit", { refresh: true, limit: 50 });
    // A second is its time-out; the rest is for a busy machine.
    expect(performance.now() - started).toBeLessThan(5_000);
    const row = kit.list("sellers").find((one) => at(one, "seller_id") === "hostile");
    expect(at(row, "status"), kit.text).toBe(status);
    expect(at(row, "why")).toMatch(/^hostile /);
    expect(kit.text).toContain(`hostile ${status}`);
    expect(kit.text).toContain("CTV Sports Live");
    expect(kit.text.length).toBeLessThan(20_000);
    const after = mostMemory();
    // A bomb unpacked, or an answer read whole, would show.
    if (before !== null && after !== null) expect(after - before).toBeLessThan(60 << 20);
  });

  test("half a million entries that are none is a kit of what can be read, and says how much was not", async () => {
    stage.hostile.twist("products", text(`{"products":[${JSON.stringify(product)}${",null".repeat(500_000)}]}`));
    const started = performance.now();
    const kit = await model.ok("get_media_kit", { refresh: true, limit: 50 });
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(kit.text).toContain("CTV Sports Live");
    const row = kit.list("sellers").find((one) => at(one, "seller_id") === "hostile");
    expect(row, kit.text).toMatchObject({ status: "ok", shown: 1, unreadable: 500_000 });
  });
});

describe("a booking whose answer is", () => {
  const items = () => {
    impressions += 1;
    return [{ product: hostileProduct, flight: flight(), impressions, deal_type: "PG" }];
  };
  test.each(heavy.filter(({ what }) => /bomb|without an end|now and then|at all|nested lists|HTML/.test(what)))(
    "$what is unknown until it is read back, never a success, and holds its money",
    async ({ given }) => {
      verifies("promise.compared");
      const ref = (await model.ok("request_quote", { items: items() })).string("quotes", 0, "quote_id");
      const held = (await balancesOf(stage.desk))?.total.micros ?? 0n;
      stage.hostile.twist("deal", given);
      stage.hostile.twist("quote-read", (answer) => ({
        json: changed(answer, "quote", { status: "available", deal_id: null }),
      }));
      const started = performance.now();
      const reply = await model.ok("create_media_buy", { lines: [{ quote_id: ref }] });
      expect(performance.now() - started).toBeLessThan(6_000);
      expect(reply.at("status"), reply.text).toBe("booking_unknown");
      expect(reply.at("nothing_booked")).toBe(false);
      expect((await balancesOf(stage.desk))?.total.micros).toBeGreaterThan(held);
      expect(stage.hostile.count("deal")).toBe(1);
    },
  );
});

test("a card that is heavy keeps nobody else out of the list", async () => {
  for (const { given } of heavy.filter(({ what }) => /twelve|now and then|gzip bomb|nested lists/.test(what))) {
    stage.hostile.twist("card", given);
    const found = await model.ok("discover_sellers", { refresh: true });
    expect(found.list("sellers").map((one) => at(one, "seller_id"))).toEqual(["northbeam"]);
    expect(found.at("kept_out", 0, "seller_id")).toBe("hostile");
  }
});
