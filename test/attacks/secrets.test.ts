import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { failureInWords } from "../../src/commands/failure.ts";
import { parseConfig } from "../../src/config.ts";
import { call, decideAs, Visitor } from "../page/visitor.ts";
import { operatorOf, withMandate } from "../e2e/booking-fixtures.ts";
import { approving, type Connection, type Reply } from "../e2e/client.ts";
import { flight } from "../e2e/fixtures.ts";
import { pin } from "../people.ts";
import { verifies } from "../requirements.ts";
import {
  changed,
  type Given,
  type HostileDesk,
  HostileSeller,
  hostileDesk,
  hostileKey,
  hostileProduct,
  product,
} from "./hostile-seller.ts";

// Several servers start at once here, and a busy machine starts them slowly.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/**
 * Keys, tokens and PINs of a desk: no answer, question, resource, log line, error or file of it ever holds one, also when
 * the seller that was given the key writes it into whatever it answers.
 */
const bearer = "bt-93aa51-never-to-be-shown";
const secrets = [hostileKey, bearer, pin];

let stage: HostileDesk;
/** A second one, which is given a token instead of a key. */
let bearing: HostileSeller;
let model: Connection;
let formless: Connection;
let impressions = 500_000;
beforeAll(async () => {
  const most = { per_buy: "250000.00 USD", per_day: "1000000.00 USD" };
  bearing = await HostileSeller.open();
  stage = await hostileDesk((standard) =>
    withMandate({ channels: { form: most, page: most } })({
      ...standard,
      sellers: [
        ...[standard["sellers"]].flat(),
        { id: "bearing", url: bearing.origin, trust: "verified", credentials: { seat: { bearer } } },
      ],
    }),
  );
  model = await stage.desk.spawn({ person: approving });
  formless = await stage.desk.spawn();
  const operator = operatorOf(stage.desk);
  await operator.people.setPin("dana", pin).finally(() => operator.close());
});
beforeEach(() => {
  stage.hostile.straighten();
  bearing.straighten();
});
afterAll(async () => {
  await stage.close();
  await bearing.close();
});

function silent(...texts: readonly string[]): void {
  for (const text of texts)
    for (const secret of secrets) {
      const where = text.indexOf(secret);
      expect(where < 0 ? "" : text.slice(Math.max(0, where - 100), where + 100)).toBe("");
    }
}

async function hear(name: string, args: Record<string, unknown> = {}): Promise<Reply> {
  const reply = await model.call(name, args);
  silent(reply.text, JSON.stringify(reply.structured ?? null), JSON.stringify(reply.error ?? null));
  return reply;
}

const items = (seller = "hostile") => {
  impressions += 1;
  return [{ product: `${seller}/prod-1`, flight: flight(), impressions, deal_type: "PG" }];
};
const echo = `x-api-key: ${hostileKey} key=${hostileKey}&`;
const poisoned = { ...product, name: echo, description: echo };

describe("a seller that writes the key it was given into its answer", () => {
  test("in errors of every shape: the planner is told of the refusal, and not of the key", async () => {
    const refusals = (secret: string): readonly Given[] => [
      { status: 401, json: { detail: `Invalid API key: ${secret}` } },
      { status: 403, json: { detail: { error: secret, message: `Bearer ${secret}` } } },
      { status: 422, json: { detail: [{ loc: ["header", secret], msg: `"${secret}" is no key` }] } },
      { status: 200, json: { status: "failed", errors: [{ code: secret, detail: secret }] } },
      { status: 500, text: secret },
      { status: 302, headers: { location: `http://evil.example/?key=${secret}` }, text: "" },
    ];
    for (const [id, seller, secret] of [
      ["hostile", stage.hostile, hostileKey],
      ["bearing", bearing, bearer],
    ] as const)
      for (const answer of refusals(secret)) {
        seller.twist("quote", () => answer);
        const reply = await hear("request_quote", { items: items(id) });
        expect(reply.list("failed"), reply.text).toHaveLength(1);
        expect(seller.count("quote")).toBeGreaterThan(0);
      }
  });

  test("in names, rationales, ids, steps and states, all the way to a booking", async () => {
    stage.hostile.twist("products", () => ({ json: { products: [poisoned], total_count: 1 } }));
    stage.hostile.twist("card", (honest) => ({
      json: changed(honest, { name: echo, version: echo, url: `http://x/${hostileKey}` }),
    }));
    stage.hostile.twist("quote", (honest) => ({
      json: changed(changed(honest, "quote", "product", { name: echo }), "quote", "pricing", { rationale: echo }),
    }));
    stage.hostile.twist("deal", (honest) => ({
      json: changed(honest, "deal", { status: hostileKey, activation_instructions: { ttd: echo, [hostileKey]: echo } }),
    }));
    stage.hostile.twist("order", () => ({ json: { order_id: hostileKey, status: echo } }));
    stage.hostile.twist("supply-chain", () => ({ json: { seller_type: echo } }));
    await hear("discover_sellers", { refresh: true });
    await hear("get_media_kit", { refresh: true });
    const quoted = await hear("request_quote", { items: items() });
    const ref = quoted.string("quotes", 0, "quote_id");
    const reply = await hear("create_media_buy", { lines: [{ quote_id: ref }] });
    expect(reply.at("status"), reply.text).toBe("booked");
    await hear("get_media_buys", { ids: [ref] });
    silent(...model.questions);
    if (model.sdk.line !== "2.x") throw new Error("these clients are of the current line");
    for (const uri of ["buyer://seller/hostile", `buyer://quote/${ref}`, `buyer://media-buy/${ref}`])
      silent(JSON.stringify(await model.sdk.client.readResource({ uri })));
  });

  test("a key goes to the seller it is of, and to no other", async () => {
    verifies("connection.auth.per_origin");
    await hear("request_quote", { items: [...items("hostile"), ...items("bearing")] });
    expect(stage.hostile.seen.some(({ headers }) => headers["x-api-key"] === hostileKey)).toBe(true);
    expect(bearing.seen.some(({ headers }) => headers.authorization === `Bearer ${bearer}`)).toBe(true);
    silent(JSON.stringify(stage.desk.sandbox.requests()));
    expect(JSON.stringify(stage.hostile.seen)).not.toContain(bearer);
    expect(JSON.stringify(bearing.seen)).not.toContain(hostileKey);
  });
});

describe("what a desk writes down", () => {
  test("history, inbox and the errors of calls that do not fit hold no secret", async () => {
    await hear("get_history", { limit: 100 });
    await hear("get_inbox");
    for (const [name, args] of [
      ["get_media_kit", { sellers: 7 }],
      ["request_quote", { items: [{ product: hostileProduct }] }],
      ["discover_sellers", { url: "no address" }],
    ] as const)
      expect((await hear(name, args)).isError).toBe(true);
  });

  test("the page shows none, and a PIN sent to it is nowhere afterwards", async () => {
    verifies("ask.page");
    const quoted = await formless.ok("request_quote", { items: items() });
    const asked = await formless.ok("create_media_buy", {
      lines: [{ quote_id: quoted.string("quotes", 0, "quote_id") }],
    });
    const approvalId = asked.string("approval", "approval_id");
    const { origin } = new URL(String(asked.at("approval", "person_can", 0)).split(" ")[1] ?? "");
    silent((await new Visitor(origin).open(`/a/${approvalId}`)).text, (await new Visitor(origin).open("/")).text);
    const wrong = await decideAs(origin, approvalId, { decision: "approve", pin: `${pin} wrong` });
    expect(wrong.status).toBeGreaterThanOrEqual(400);
    silent(wrong.text, JSON.stringify(wrong.headers));
    const heardThere = await call(`${origin}/a/${approvalId}?pin=${encodeURIComponent(pin)}`, {
      headers: { host: new URL(origin).host },
    });
    silent(heardThere.text);
    const operator = operatorOf(stage.desk);
    const [line] = (await operator.approval(approvalId).finally(() => operator.close())).lines;
    const right = await decideAs(origin, approvalId, { decision: "approve", pin, line: line?.digest ?? "" });
    expect(right.status, right.text).toBe(303);
    silent(right.text, JSON.stringify(right.headers));
  });

  test("no file of the desk holds one: not the ledger, not the cache, not the keys of its people", () => {
    const files = readdirSync(join(stage.desk.directory, "data"), { recursive: true, encoding: "utf8" })
      .map((name) => join(stage.desk.directory, "data", name))
      .filter((path) => statSync(path).isFile());
    expect(files.some((path) => path.endsWith("ledger.db"))).toBe(true);
    for (const path of files) silent(readFileSync(path, "latin1"));
  });

  test("no line of its logs holds one", () => {
    expect(model.log()).toContain("request_quote");
    silent(model.log(), formless.log());
  });

  test("an audit and a doctor's report hold none", async () => {
    for (const words of [
      ["audit"],
      ["audit", "--verify"],
      ["audit", "--out", join(stage.desk.directory, "audit")],
      ["doctor"],
      ["pending"],
    ]) {
      const ran = await stage.desk.run(...words);
      expect(ran.stdout + ran.stderr).not.toBe("");
      silent(ran.stdout, ran.stderr);
    }
    for (const name of ["ledger.jsonl", "audit.html"])
      silent(readFileSync(join(stage.desk.directory, "audit", name), "utf8"));
  });
});

describe("a config that cannot be used", () => {
  const ownConfig = (): Record<string, unknown> =>
    JSON.parse(readFileSync(join(stage.desk.directory, "config.json"), "utf8"));
  /** What the program says on stderr of a config. */
  const refusalOf = (text: string): string => {
    try {
      parseConfig(text, "broken.json", {});
    } catch (error) {
      return failureInWords(error);
    }
    return "nothing";
  };

  test("ends the program with what is wrong with it, and nothing else of it", async () => {
    const text = JSON.stringify({ ...ownConfig(), api_keys: [hostileKey] });
    const file = join(stage.desk.directory, "broken.json");
    writeFileSync(file, text);
    const ran = await stage.desk.run("pending", "--config", file);
    expect([ran.code, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr.trim()).toBe(refusalOf(text).replace("broken.json", file));
    silent(ran.stderr);
  });

  test.each<[string, (config: Record<string, unknown>) => string]>([
    ["is not JSON", (config) => `${JSON.stringify(config)}}`],
    [
      "ends in the middle of the key",
      (config) => JSON.stringify(config).slice(0, JSON.stringify(config).indexOf(hostileKey) + hostileKey.length),
    ],
    ["has a setting too many", (config) => JSON.stringify({ ...config, api_keys: [hostileKey] })],
    [
      "has the key in the wrong place",
      (config) =>
        JSON.stringify({
          ...config,
          sellers: [{ id: "a", url: "https://a.example", trust: "verified", credentials: { seat: hostileKey } }],
        }),
    ],
    [
      "has both kinds of key",
      (config) =>
        JSON.stringify({
          ...config,
          sellers: [
            {
              id: "a",
              url: "https://a.example",
              trust: "verified",
              credentials: { seat: { api_key: hostileKey, bearer } },
            },
          ],
        }),
    ],
  ])("and %s is refused without a word of its secrets", (_what, broken) => {
    const said = refusalOf(broken(ownConfig()));
    expect(said).toContain("Nothing was started.");
    silent(said);
  });
});
