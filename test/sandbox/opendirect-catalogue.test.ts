import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Behaviour } from "../../src/sandbox/opendirect/behaviour.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { at } from "./calls.ts";
import { account, call, draft, flight, inDialect, startCityLight } from "./opendirect-calls.ts";

/** Who may ask, what is sold, and what of it is left. */

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startCityLight();
});
afterEach(() => sandbox.close());

const behave = (change: Partial<Behaviour>) => sandbox.opendirect.behave("citylight", change);
const ids = (body: unknown) => [...(at(body, "products") as { id: string }[])].map(({ id }) => id);

test("the card is public, at the origin, and names the address of the seller", async () => {
  const heard = await call(sandbox, "GET", "/.well-known/agent.json", { headers: {} });
  expect(heard.body).toMatchObject({ name: "CityLight Media", url: sandbox.seller("citylight").url });
  expect(sandbox.seller("citylight")).toMatchObject({ protocol: "opendirect", version: "2.1" });
  expect(sandbox.seller("citylight").url).toMatch(/\/api\/v2\.1$/);
});

describe("who may ask", () => {
  const key = "sandbox-citylight-agency";
  const ways = {
    bearer: { Authorization: `Bearer ${key}` },
    "api-key": { "X-API-Key": key },
    "access-token": { AccessToken: key },
  };

  test.for(["bearer", "api-key", "access-token"] as const)("%s alone", async (auth) => {
    behave({ auth });
    for (const [way, headers] of Object.entries(ways)) {
      const heard = await call(sandbox, "GET", "/products", { headers });
      expect([way, heard.status]).toEqual([way, way === auth ? 200 : 401]);
    }
  });

  test("both of the usual two as it comes; a stranger's key is refused, and so is none", async () => {
    expect((await call(sandbox, "GET", "/products", { headers: ways.bearer })).status).toBe(200);
    expect((await call(sandbox, "GET", "/products", { headers: ways["api-key"] })).status).toBe(200);
    expect((await call(sandbox, "GET", "/products", { headers: { "X-API-Key": "mine" } })).status).toBe(401);
    expect((await call(sandbox, "GET", "/products", { headers: {} })).status).toBe(401);
  });
});

describe("pages", () => {
  const all = ["888801", "888899", "888803", "888804", "888805", "888806"];

  test.for([
    ["skip", "?$skip=4&$top=4", "?offset=4&count=4"],
    ["count", "?offset=4&count=4", "?$skip=4&$top=4"],
    ["limit", "?offset=4&limit=4", "?$skip=4&$top=4"],
  ] as const)("by %s, and by nothing else", async ([paging, right, wrong]) => {
    behave({ paging, pageSize: 4 });
    expect(ids((await call(sandbox, "GET", "/products")).body)).toEqual(all.slice(0, 4));
    expect(ids((await call(sandbox, "GET", `/products${right}`)).body)).toEqual(all.slice(4));
    expect(ids((await call(sandbox, "GET", `/products${wrong}`)).body)).toEqual(all.slice(0, 4));
  });

  test("the total is said in a header, in an object or in a number", async () => {
    behave({ pageSize: 4 });
    expect((await call(sandbox, "GET", "/products")).headers.get("x-total-count")).toBe("6");
    behave({ paging: "count" });
    expect((await call(sandbox, "GET", "/products?offset=2")).body).toMatchObject({
      paging: { offset: 2, count: 4, totalrecords: 6 },
    });
    behave({ paging: "limit" });
    expect((await call(sandbox, "GET", "/products")).body).toMatchObject({ total_count: 6 });
  });

  test("a seller that ignores them says the first page again and again", async () => {
    behave({ paging: "none", pageSize: 4 });
    for (const query of ["?$skip=4&$top=4", "?offset=4&count=4", "?offset=4&limit=4"]) {
      expect(ids((await call(sandbox, "GET", `/products${query}`)).body)).toEqual(all.slice(0, 4));
    }
  });
});

describe("search", () => {
  test.for([
    [{ ratetype: "CPC" }, ["888805"]],
    [{ producttags: ["DOOH"] }, ["888801", "888806"]],
    [{ producttags: ["dooh", "audio"], currency: "EUR" }, ["888804"]],
    [{ deliverytype: ["guaranteed", "exclusive"], producttags: ["dooh"] }, ["888801", "888806"]],
  ] as const)("%j", async ([body, found]) => {
    const heard = await call(sandbox, "POST", "/products/search", { body });
    expect([heard.status, ids(heard.body)]).toEqual([200, found]);
  });

  test.for([
    ["unknown", 404],
    ["not-allowed", 405],
  ] as const)("%s: %i without a reason", async ([search, status]) => {
    behave({ search });
    const heard = await call(sandbox, "POST", "/products/search", { body: { ratetype: "CPM" } });
    expect([heard.status, at(heard.body, "errors")]).toEqual([status, undefined]);
    expect((await call(sandbox, "GET", "/products/888899")).body).toMatchObject({ id: "888899", minspend: 1_000 });
  });
});

test("accounts are opened for organizations the seller knows, and brands added", async () => {
  expect((await call(sandbox, "GET", "/accounts")).body).toEqual({ accounts: [] });
  const path = await account(sandbox);
  expect((await call(sandbox, "GET", path)).body).toMatchObject({ status: "Approved", advertiserid: "1234987" });
  const found = await call(sandbox, "GET", "/accounts?advertiserid=1234987&buyerid=34587");
  expect(at(found.body, "accounts")).toHaveLength(1);
  expect(at((await call(sandbox, "GET", "/accounts?advertiserid=1")).body, "accounts")).toEqual([]);
  const body = { advertiserid: "1", buyerid: "34587", name: "Nobody" };
  expect((await call(sandbox, "POST", "/accounts", { body })).status).toBe(400);
  expect((await call(sandbox, "POST", "/organizations", { body: { name: "New" } })).status).toBe(405);
  const brand = { name: "Fifth Wake", organizationid: "1234987" };
  expect((await call(sandbox, "POST", "/advertiserbrands", { body: brand })).body).toMatchObject(brand);
  expect(at((await call(sandbox, "GET", "/advertiserbrands")).body, "advertiserbrands")).toHaveLength(3);
});

test("an account that waits takes drafts and books nothing; a disapproved one orders nothing", async () => {
  behave({ accounts: "by-hand" });
  const line = await draft(sandbox);
  const heard = await call(sandbox, "PATCH", `${line}?action=reserve`);
  expect(at(heard.body, "errors", 0, "errorCode")).toBe("AccountNotApproved");
  sandbox.opendirect.decideAccounts("citylight", "Approved");
  expect((await call(sandbox, "PATCH", `${line}?action=reserve`)).body).toMatchObject({ bookingstatus: "Reserved" });
  sandbox.opendirect.decideAccounts("citylight", "Disapproved");
  const orders = line.slice(0, line.indexOf("/orders") + "/orders".length);
  expect((await call(sandbox, "POST", orders, { body: {} })).status).toBe(400);
});

describe("avails", () => {
  const say = async (more: object = {}) => {
    const accountid = (await account(sandbox)).replace("/accounts/", "");
    const body = { accountid, advertiserbrandid: "123456", productids: ["888899"], qty: 3_000_000, ...flight, ...more };
    return call(sandbox, "POST", "/products/avails", { body });
  };

  test("in the specification's form: the price of a unit", async () => {
    const heard = await say({ productids: ["888899", "888805", "888806"], qty: 1 });
    expect(at(heard.body, "avails")).toMatchObject([
      { productid: "888899", price: 25, availability: 6_000_000, availsstatus: { status: "Available" } },
      { productid: "888805", price: 0.85, availability: 30_000 },
      { productid: "888806", price: 18_000, availability: 1, currency: "USD" },
    ]);
    expect(at((await say({ targeting: [{ id: "A", value: "25-34" }] })).body, "avails", 0, "price")).toBe(27.5);
  });

  test("too much is left out, or told with less", async () => {
    expect((await say({ qty: 7_000_000 })).body).toEqual({ avails: [] });
    behave({ shortAvails: "less" });
    expect((await say({ qty: 7_000_000 })).body).toMatchObject({
      avails: [{ availability: 6_000_000, availsstatus: { status: "Partially Available" } }],
    });
    behave({ inventory: 0 });
    expect((await say()).body).toMatchObject({
      avails: [{ availability: 0, availsstatus: { status: "Unavailable" } }],
    });
  });

  test("a total as price comes with the parts it is the sum of", async () => {
    behave({ totalAsPrice: true });
    const record = at((await say()).body, "avails", 0);
    expect(at(record, "price")).toBe(75_000);
    const parts = at(record, "availsstatus", "producttargeting") as { target: string; targetvalues: [string] }[];
    expect(parts.map(({ target }) => target)).toEqual(["fixed", "fixed"]);
    expect(parts.reduce((sum, { targetvalues: [part] }) => sum + Number(part), 0)).toBe(75_000);
  });

  test("in another currency than the product's when told so", async () => {
    behave({ currency: "EUR" });
    expect((await say()).body).toMatchObject({ avails: [{ currency: "EUR", price: 25 }] });
  });

  test.for(["lower", "camel", "pascal"] as const)("in the flat form, %s", async (dialect) => {
    behave({ dialect });
    const asked = { productid: "888899", ...flight, requestedimpressions: 3_000_000 };
    const heard = await call(sandbox, "POST", "/products/avails", { body: inDialect(dialect, asked) });
    const answer = { productid: "888899", availableimpressions: 3_000_000, estimatedcpm: 25, totalcost: 75_000 };
    expect(heard.body).toMatchObject(Object(inDialect(dialect, answer)));
  });

  test("a seller of one form refuses the other", async () => {
    behave({ avails: "flat" });
    expect((await say()).status).toBe(422);
    behave({ avails: "spec" });
    const body = { productid: "888899", ...flight };
    expect((await call(sandbox, "POST", "/products/avails", { body })).status).toBe(400);
  });
});
