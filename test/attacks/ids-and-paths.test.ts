import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { approving, at, type Connection } from "../e2e/client.ts";
import { flight } from "../e2e/fixtures.ts";
import { everyNth } from "../long.ts";
import { verifies } from "../requirements.ts";
import { changed, type HostileDesk, hostileDesk, hostileProduct, product, usd } from "./hostile-seller.ts";

// Each odd id is a whole way from quote to booking, and a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

/**
 * Ids that are paths: of quotes, approvals, buys, sellers, deals and campaigns, from the planner and from a seller. None
 * reaches another path of a seller, another file than the desk's, or another entry than its own.
 */
let stage: HostileDesk;
let model: Connection;
let impressions = 600_000;
/** The files of the desk before anything odd was said, less the side files of its databases. */
let files: readonly string[];
beforeAll(async () => {
  stage = await hostileDesk();
  model = await stage.desk.connect({ person: approving });
  const quoted = await model.ok("request_quote", { items: items() });
  await model.ok("create_media_buy", { lines: [{ quote_id: quoted.string("quotes", 0, "quote_id") }] });
  files = filesOf();
});
beforeEach(() => {
  stage.hostile.straighten();
  stage.desk.sandbox.clearRequests();
});
afterAll(() => stage.close());

function filesOf(): readonly string[] {
  const all = readdirSync(stage.desk.directory, { recursive: true, encoding: "utf8" });
  return all.filter((name) => !/-(wal|shm|journal)$/.test(name)).sort();
}
function items(productRef = hostileProduct) {
  impressions += 1;
  return [{ product: productRef, flight: flight(), impressions, deal_type: "PG" }];
}

/** Nothing was asked but what the contract has, and no id made a path of its own. */
function noOtherPath(): void {
  for (const { step, target } of stage.hostile.seen) {
    expect(step, target).not.toBe("other");
    expect(target).not.toMatch(/\.\.(\/|$)|%00|\/\/|\\/);
  }
  for (const { target } of stage.desk.sandbox.requests()) expect(target).not.toMatch(/\.\.(\/|$)|%00|\/\/|\\/);
  expect(filesOf()).toEqual(files);
}

const long = "a".repeat(399);
const odd: readonly string[] = [
  "../../etc/passwd",
  "..",
  "hostile/..",
  "hostile/../../admin",
  "hostile/%2e%2e%2fadmin",
  "hostile/..%2f..%2fapi%2fv1%2fdeals",
  "hostile/%2fetc%2fpasswd",
  "hostile/qt-1/../../deals",
  "hostile/qt-1%00",
  "hostile/qt-1\u0000",
  "hostile/qt-1?x=1",
  "hostile/qt-1#x",
  "hostile\\qt-1",
  "hostile/",
  "/qt-1",
  "//qt-1",
  "hostile/%",
  "hostile/%zz",
  "hostile/%c0%ae%c0%ae",
  "hostile/__proto__",
  "__proto__/__proto__",
  "constructor/prototype",
  "hostile/constructor",
  `hostile/${long}`.slice(0, 400),
  "hostile/\ud800",
  "HOSTILE/qt-1",
  "hostile/qt-1\r\nx-evil: 1",
  "~/.ssh/id_rsa",
  "C:\\Windows",
  "hostile/nul",
];

describe("an id from the planner", () => {
  test.each([
    ["create_media_buy", (id: string) => ({ lines: [{ quote_id: id }] })],
    ["negotiate", (id: string) => ({ quotes: [{ quote_id: id, target_cpm: "1.00 USD" }] })],
    ["request_quote", (id: string) => ({ items: [{ ...items()[0], product: id }] })],
    ["request_quote", (id: string) => ({ quote_ids: [id] })],
    ["get_media_kit", (id: string) => ({ sellers: [id.slice(0, 100)] })],
    ["get_media_buys", (id: string) => ({ ids: [id], refresh: true })],
    ["get_history", (id: string) => ({ media_buy_id: id })],
    ["update_media_buy", (id: string) => ({ media_buy_id: id, action: "cancel" })],
    ["approve", (id: string) => ({ approval_id: id, wait_s: 0 })],
  ] as const)("that is a path is an id to %s, and an unknown one", async (tool, args) => {
    for (const id of tool === "create_media_buy" ? odd : everyNth(odd, 3)) {
      const reply = await model.call(tool, args(id));
      expect(at(reply.error, "code"), `${id}: ${reply.text}`).not.toBe("internal");
      expect(reply.text).not.toMatch(/ENOENT|EACCES|at \w+ \(|node:internal|\.ts:\d/);
      expect(reply.text).not.toContain(stage.desk.directory);
    }
    noOtherPath();
    expect(stage.hostile.count("deal")).toBe(0);
  });

  test("in the address of a resource is no way to a file", async () => {
    if (model.sdk.line !== "2.x") throw new Error("these clients are of the current line");
    const { client } = model.sdk;
    for (const uri of [
      ...odd.map((id) => `buyer://quote/${id}`),
      ...odd.map((id) => `buyer://seller/${id}`),
      ...odd.map((id) => `buyer://approval/${id}`),
      "buyer://media-buy/hostile/../../../config.json",
      "buyer://../config.json",
      "file:///etc/passwd",
      `file://${join(stage.desk.directory, "config.json")}`,
      "buyer://approval/..%2f..%2fstate.key",
    ]) {
      const read = await client.readResource({ uri }).then(JSON.stringify, String);
      expect(read, uri).not.toMatch(/root:|api_key|ENOENT|node:internal/);
    }
    noOtherPath();
  });

  test("in a campaign's label or a PO number is a label, and names no file", async () => {
    for (const campaign of ["../../../evil", "..", "/etc/passwd", "a/../b", "CON", "x".repeat(120)]) {
      impressions += 1;
      const item = { product: hostileProduct, flight: flight(), impressions, deal_type: "PG" };
      const quoted = await model.ok("request_quote", { items: [item], campaign });
      const ref = quoted.string("quotes", 0, "quote_id");
      const bought = await model.call("create_media_buy", {
        lines: [{ quote_id: ref }],
        campaign,
        po_number: campaign.slice(0, 40),
      });
      expect(bought.at("status") ?? at(bought.error, "code"), bought.text).not.toBe("internal");
      await model.ok("get_history", { campaign });
    }
    noOtherPath();
  });

  test("that is a word of the language is a label like any other", async () => {
    for (const campaign of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      const quoted = await model.ok("request_quote", { items: items(), campaign });
      const bought = await model.ok("create_media_buy", {
        lines: [{ quote_id: quoted.string("quotes", 0, "quote_id") }],
      });
      expect(bought.at("status"), bought.text).toBe("booked");
      expect(bought.at("media_buys", 0, "campaign")).toBe(campaign);
    }
    const plain = await model.ok("request_quote", { items: items(), campaign: "plain" });
    const bought = await model.ok("create_media_buy", {
      lines: [{ quote_id: plain.string("quotes", 0, "quote_id") }],
    });
    expect(bought.at("status"), bought.text).toBe("booked");
    noOtherPath();
  });
});

describe("an id from a seller", () => {
  const paths: readonly string[] = [
    "../../admin",
    "..",
    ".",
    "",
    "a/../../b",
    "%2e%2e%2fadmin",
    "..%2fadmin",
    "a\u0000b",
    "a\r\nHost: evil.example",
    "a b",
    "a?x=1#y",
    "https://evil.example/",
    "//evil.example/x",
    "\\\\evil\\share",
    "__proto__",
    "constructor",
    "a".repeat(5_000),
    "\u202egpj.exe",
  ];

  test("of a product is asked for under its own path or is no product", async () => {
    stage.hostile.twist("products", () => ({
      json: { products: paths.map((id) => ({ ...product, product_id: id, name: "Odd" })), total_count: paths.length },
    }));
    const kit = await model.ok("get_media_kit", { sellers: ["hostile"], refresh: true, limit: 50 });
    for (const one of kit.list("products")) {
      const ref = String(at(one, "product"));
      expect(ref).toMatch(/^hostile\/[A-Za-z0-9._~:%-]+$/);
      stage.hostile.seen.length = 0;
      await model.ok("request_quote", { items: items(ref) });
      noOtherPath();
    }
    expect(filesOf()).toEqual(files);
  });

  test("of a quote is read back under its own path or is no quote", async () => {
    for (const id of paths) {
      stage.hostile.straighten();
      stage.hostile.twist("quote", (honest) => ({ json: changed(honest, "quote", { quote_id: id }) }));
      const reply = await model.ok("request_quote", { items: items() });
      const [quoted] = reply.list("quotes");
      if (quoted !== undefined)
        await model.call("create_media_buy", { lines: [{ quote_id: String(at(quoted, "quote_id")) }] });
      noOtherPath();
      expect(stage.hostile.count("deal")).toBe(0);
    }
  });

  test("of a deal or an order is the one that is read and cancelled, or the booking is unknown", async () => {
    for (const id of paths) {
      stage.hostile.straighten();
      const ref = (await model.ok("request_quote", { items: items() })).string("quotes", 0, "quote_id");
      const mine = ref.split("/")[1];
      const odd = (honest: unknown) => ({
        json: changed(changed(honest, "deal", { deal_id: id }), "deal", "openrtb_params", { id }),
      });
      stage.hostile.twist("deal", odd);
      stage.hostile.twist("quote-read", (honest) => ({
        json: at(honest, "quote", "deal_id") === `DEAL-${mine}` ? changed(honest, "quote", { deal_id: id }) : honest,
      }));
      stage.hostile.twist("order", () => ({ json: { order_id: id, status: "draft" } }));
      const reply = await model.call("create_media_buy", { lines: [{ quote_id: ref }] });
      expect(["booked", "booking_unknown", "terms_mismatch"], `${id}: ${reply.text}`).toContain(reply.at("status"));
      if (reply.at("status") !== "booking_unknown") {
        await model.call("update_media_buy", { media_buy_id: ref, action: "cancel" });
        const body = stage.hostile.seen.find(({ step }) => step === "bulk")?.body ?? "{}";
        expect(at(JSON.parse(body), "operations", 0, "deal_id")).toBe(id);
      }
      noOtherPath();
    }
    await model.ok("get_media_buys", { refresh: true });
  });

  test("a word of the language where a word of the trade belongs is no word of ours", async () => {
    verifies("promise.sellers_words");
    for (const word of ["constructor", "__proto__", "toString", "valueOf", "hasOwnProperty"]) {
      stage.hostile.straighten();
      stage.hostile.twist("card", (honest) => ({
        json: changed(honest, { skills: [{ id: word }], inventory_types: [word], supported_deal_types: [word] }),
      }));
      stage.hostile.twist("products", () => ({
        json: {
          products: [
            { ...product, ad_formats: [word], ext: { ...product.ext, inventory_type: word, deal_types: [word] } },
          ],
          total_count: 1,
        },
      }));
      const found = await model.ok("discover_sellers", { refresh: true });
      const row = found.list("sellers").find((one) => at(one, "seller_id") === "hostile");
      expect(row, found.text).toMatchObject({ channels: [], deal_types: [] });
      // Words we do not know say nothing against what its protocol can do.
      expect(at(row, "can")).toContain("book");
      const kit = await model.ok("get_media_kit", { sellers: ["hostile"], refresh: true });
      expect(kit.at("products", 0), kit.text).toMatchObject({ channel: null, deal_types: [] });
      expect(kit.text).not.toContain("[native code]");
      stage.hostile.twist("quote", (honest) => ({
        json: changed(changed(honest, "quote", "product", { inventory_type: word }), "quote", {
          buyer_tier: word,
          status: "available",
        }),
      }));
      const quoted = await model.ok("request_quote", { items: items() });
      expect(quoted.at("quotes", 0), quoted.text).toMatchObject({ product: hostileProduct });
      stage.hostile.twist("quote", (honest) => ({ json: changed(honest, "quote", { deal_type: word }) }));
      const none = await model.ok("request_quote", { items: items() });
      expect(none.at("failed", 0), none.text).toMatchObject({ code: "seller_invalid_answer" });
      stage.hostile.twist("quote", () => ({ status: 422, json: { detail: { error: word, message: "no" } } }));
      const refused = await model.ok("request_quote", { items: items() });
      expect(refused.at("failed", 0), refused.text).toMatchObject({ code: "seller_refused" });
      expect(refused.text).not.toContain("[native code]");
    }
  });

  test("an answer that sets __proto__ changes no other answer", async () => {
    stage.hostile.twist("quote", (honest) => {
      const text = JSON.stringify(honest);
      const evil = `"__proto__":{"final_cpm":${JSON.stringify(usd(1))},"status":"booked","isError":true,"deal_id":"x"},`;
      return {
        text: text.replaceAll("{", `{${evil}`).replaceAll(",}", "}"),
        headers: { "content-type": "application/json" },
      };
    });
    const honest = items("northbeam/prod-53e78a97");
    const reply = await model.ok("request_quote", { items: [...items(), ...honest] });
    expect(reply.text).toMatch(/northbeam\/qt-\S+ \| northbeam\/prod-53e78a97 \| PG \| 29\.75 USD/);
    expect(reply.text).not.toContain("0.000001 USD");
  });
});

describe("a path on the command line", () => {
  test("audit --campaign is a label: it writes nothing, and finds nothing that has another", async () => {
    for (const campaign of everyNth(["../../etc", "/etc/shadow", "__proto__x"], 3)) {
      const ran = await stage.desk.run("audit", "--campaign", campaign);
      expect(ran.code, ran.stderr).toBe(2);
      expect(ran.stderr).toContain("Nothing was written.");
    }
    noOtherPath();
  });

  test("audit --out writes two files of its own names into a folder, and overwrites nothing", async () => {
    const taken = join(stage.desk.directory, "taken");
    const first = await stage.desk.run("audit", "--out", taken);
    expect(readdirSync(taken).sort(), first.stderr).toEqual(["audit.html", "ledger.jsonl"]);
    const again = await stage.desk.run("audit", "--out", taken);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("is left as it is")]);
    const file = join(stage.desk.directory, "a-file");
    writeFileSync(file, "mine");
    const onFile = await stage.desk.run("audit", "--out", file);
    expect(onFile.code).not.toBe(0);
    files = filesOf();
  });

  test("an id for the terminal that is a path is an unknown id", async () => {
    const commands = [
      ["approve", "../../x"],
      ["reject", "ap_../x"],
      ["settle", "hostile/../x"],
      ["approve", "__proto__"],
    ];
    for (const words of everyNth(commands, 2)) {
      const ran = await stage.desk.run(...words);
      expect(ran.code).not.toBe(0);
      expect(`${ran.stdout}${ran.stderr}`).toMatch(/unknown|not a reference|pipe/);
      expect(`${ran.stdout}${ran.stderr}`).not.toMatch(/node:internal|\.ts:\d/);
    }
    noOtherPath();
  });
});
