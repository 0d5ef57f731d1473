import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LineAction } from "../../src/sandbox/opendirect/behaviour.ts";
import type { Dialect } from "../../src/sandbox/opendirect/dialect.ts";
import type { LineStatus } from "../../src/sandbox/opendirect/state.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { at } from "./calls.ts";
import { call, draft, inDialect, lineBody, orderBody, spelled, startCityLight } from "./opendirect-calls.ts";

/** A line's life over HTTP: OpenDirect 1.5.1 §2.4.1 and the state diagram of 2.1. */

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startCityLight();
});
afterEach(() => sandbox.close());

const day = 86_400_000;
const dialects = ["lower", "camel", "pascal"] as const;
const statuses = () => sandbox.opendirect.lines("citylight").map((line) => line.status);
const act = (line: string, action: LineAction) => call(sandbox, "PATCH", `${line}?action=${action}`);
const pass = (days: number) => sandbox.opendirect.pass("citylight", days * day);

describe.for(dialects)("in %s", (dialect) => {
  const word = (name: string) => spelled(dialect, name);
  const other: Dialect = dialect === "lower" ? "camel" : "lower";

  beforeEach(() => sandbox.opendirect.behave("citylight", { dialect }));

  test("a line is drafted, reserved, booked, run and reported", async () => {
    const products = await call(sandbox, "GET", "/products");
    const mrec = { id: "888899", baseprice: 25, ratetype: "CPM", currency: "USD" };
    expect(at(products.body, word("products"), 1)).toMatchObject(Object(inDialect(dialect, mrec)));
    const line = await draft(sandbox, {}, dialect);
    const held = await act(line, "reserve");
    const until = { bookingstatus: "Reserved", reservedexpirydate: "2027-02-08T12:00:00.000Z" };
    const terms = { rate: 25, qty: 3_000_000, cost: 75_000 };
    expect(held.body).toMatchObject(Object(inDialect(dialect, { ...until, ...terms })));
    expect(at((await act(line, "book")).body, word("bookingstatus"))).toBe("Booked");
    const zero = await call(sandbox, "GET", `${line}/stats`);
    expect(at(zero.body, word("stats"), 0, word("spend"))).toBe(0);
    pass(35);
    expect(at((await call(sandbox, "GET", line)).body, word("bookingstatus"))).toBe("InFlight");
    pass(5);
    expect(sandbox.opendirect.lines("citylight")).toMatchObject([
      { status: "Finished", history: ["Draft", "Reserved", "Booked", "InFlight", "Finished"], campaignId: "c7f1-1" },
    ]);
    const stats = await call(sandbox, "GET", `${line}/stats`);
    const record = at(stats.body, word("stats"), 0);
    const impressions = at(record, dialect === "pascal" ? "ImpressionsServed" : "impressions");
    expect([impressions, at(record, word("spend")), at(record, word("ctr"))]).toEqual([2_880_000, 72_000, 0.4]);
  });

  test("names of another spelling are refused, and nothing is drafted", async () => {
    const line = await draft(sandbox, {}, dialect);
    const collection = line.slice(0, line.lastIndexOf("/"));
    const heard = await call(sandbox, "POST", collection, { body: inDialect(other, lineBody({ name: "Second" })) });
    expect(heard.status).toBe(400);
    expect(JSON.stringify(heard.body)).toContain("UnknownField");
    expect(sandbox.opendirect.lines("citylight")).toHaveLength(1);
  });

  test.for(["bookingstatus", "cost", "id", "statechangereason", "reservedexpirydate"])(
    "a buyer does not write %s",
    async (field) => {
      const line = await draft(sandbox, {}, dialect);
      const collection = line.slice(0, line.lastIndexOf("/"));
      const body = inDialect(dialect, { ...lineBody({ name: "Second" }), [field]: "x" });
      const heard = await call(sandbox, "POST", collection, { body });
      expect(heard.status).toBe(400);
      expect(JSON.stringify(heard.body)).toContain("ReadOnlyField");
      expect(sandbox.opendirect.lines("citylight")).toHaveLength(1);
    },
  );
});

describe("what a buyer may do in which state", () => {
  // Small enough that four of them find room.
  const small = () => draft(sandbox, { qty: 1_000_000 });

  /** Brings a fresh line into a state. */
  const into: Partial<Record<LineStatus, () => Promise<string>>> = {
    Draft: small,
    PendingReservation: async () => {
      sandbox.opendirect.behave("citylight", { decides: "by-hand" });
      const line = await small();
      await act(line, "reserve");
      return line;
    },
    Reserved: async () => {
      const line = await small();
      await act(line, "reserve");
      return line;
    },
    PendingBooking: async () => {
      const line = await small();
      await act(line, "reserve");
      sandbox.opendirect.behave("citylight", { decides: "by-hand" });
      await act(line, "book");
      return line;
    },
    Booked: async () => {
      const line = await small();
      await act(line, "book");
      return line;
    },
    InFlight: async () => {
      const line = await small();
      await act(line, "book");
      pass(33);
      return line;
    },
    Finished: async () => {
      const line = await small();
      await act(line, "book");
      pass(60);
      return line;
    },
    Canceled: async () => {
      const line = await small();
      await act(line, "book");
      await act(line, "cancel");
      return line;
    },
    Expired: async () => {
      const line = await small();
      await act(line, "reserve");
      pass(7);
      return line;
    },
    Declined: async () => {
      sandbox.opendirect.behave("citylight", { declines: { reserve: "Brand not allowed here" } });
      const line = await small();
      await act(line, "reserve");
      sandbox.opendirect.behave("citylight", { declines: {} });
      return line;
    },
  };

  const table: readonly [LineStatus, Partial<Record<LineAction, LineStatus>>][] = [
    ["Draft", { reserve: "Reserved", book: "Booked" }],
    ["PendingReservation", {}],
    ["Reserved", { book: "Booked", cancel: "Canceled", reset: "Draft" }],
    ["PendingBooking", {}],
    ["Booked", { cancel: "Canceled" }],
    ["InFlight", { cancel: "Stopped" }],
    ["Finished", {}],
    ["Canceled", {}],
    ["Expired", { reset: "Draft" }],
    ["Declined", { reset: "Draft" }],
  ];

  test.for(table)("%s", async ([status, allowed]) => {
    for (const action of ["reserve", "book", "cancel", "reset"] as const) {
      sandbox.opendirect.behave("citylight", { decides: "at-once", duplicates: true });
      const line = (await into[status]?.()) ?? "";
      expect(at((await call(sandbox, "GET", line)).body, "bookingstatus")).toBe(status);
      sandbox.opendirect.behave("citylight", { decides: "at-once" });
      const heard = await act(line, action);
      const next = allowed[action];
      const { body } = await call(sandbox, "GET", line);
      expect([action, heard.status, at(body, "bookingstatus")]).toEqual(
        next ? [action, 200, next] : [action, 400, status],
      );
      if (!next) expect(at(heard.body, "errors", 0, "errorCode")).toBe("InvalidTransition");
      if (next === "Draft") expect(at(body, "statechangereason")).toBeUndefined();
    }
  });

  test("only a draft is edited and deleted; at a new time at today's price", async () => {
    const line = await draft(sandbox);
    sandbox.opendirect.behave("citylight", { priceFactor: 1.2 });
    const edited = await call(sandbox, "PATCH", line, { body: { qty: 2_000_000 } });
    expect(edited.body).toMatchObject({ bookingstatus: "Draft", qty: 2_000_000, rate: 30, cost: 60_000 });
    const put = await call(sandbox, "PUT", line, { body: lineBody({ qty: 1_000_000 }) });
    expect(put.body).toMatchObject({ qty: 1_000_000, cost: 30_000, name: "Line 1 #c7f1-1" });
    await act(line, "reserve");
    expect((await call(sandbox, "PATCH", line, { body: { qty: 1_000 } })).status).toBe(400);
    expect((await call(sandbox, "DELETE", line)).status).toBe(400);
    await act(line, "reset");
    expect((await call(sandbox, "DELETE", line)).status).toBe(200);
    expect((await call(sandbox, "GET", line)).status).toBe(404);
  });

  test("targeting costs a tenth more, and is echoed", async () => {
    const targeting = [{ id: "ABCD1234", name: "Age", value: "25-34" }];
    const line = await draft(sandbox, { targeting });
    expect((await call(sandbox, "GET", line)).body).toMatchObject({ targeting, rate: 27.5, cost: 82_500 });
  });

  test.for([
    ["the rate asked for is no more than a wish", { rate: 1 }, { rate: 25, cost: 75_000 }],
    [
      "clicks are counted one by one",
      { productid: "888805", ratetype: "CPC", qty: 1_001 },
      { rate: 0.85, cost: 850.85 },
    ],
    [
      "a flat rate is the whole cost",
      { productid: "888806", ratetype: "FlatRate", qty: 1 },
      { rate: 18_000, cost: 18_000 },
    ],
    ["thousands are not rounded", { qty: 100_001 }, { cost: 2_500.025 }],
  ] as const)("%s", async ([, more, terms]) => {
    const line = await draft(sandbox, more);
    expect((await call(sandbox, "GET", line)).body).toMatchObject(terms);
  });

  test.for([
    ["InvalidPeriodLength", { enddate: "2027-03-04T00:00:00Z" }],
    ["LeadTime", { startdate: "2027-02-02T00:00:00Z" }],
    ["InvalidBudget", { qty: 39_999 }],
    ["CurrencyMismatch", { productid: "888804" }],
    ["InvalidPrice", { productid: "888805" }],
    ["UnknownProduct", { productid: "1" }],
    ["InvalidField", { qty: 1.5 }],
    ["InvalidField", { qty: "3000000" }],
    ["UnknownField", { quantity: 3 }],
  ] as const)("%s is refused: %j", async ([code, more]) => {
    const line = await draft(sandbox);
    const collection = line.slice(0, line.lastIndexOf("/"));
    const heard = await call(sandbox, "POST", collection, { body: lineBody(more) });
    expect([heard.status, at(heard.body, "errors", 0, "errorCode")]).toEqual([400, code]);
    expect(statuses()).toEqual(["Draft"]);
  });
});

describe("inventory, creatives, orders", () => {
  test("a reservation holds what it takes until it ends; too much is declined, never made smaller", async () => {
    const first = await draft(sandbox, { qty: 4_000_000 });
    await act(first, "reserve");
    const collection = first.slice(0, first.lastIndexOf("/"));
    const second = await call(sandbox, "POST", collection, { body: lineBody({ name: "Second" }) });
    const path = `${collection}/${at(second.body, "id")}`;
    expect((await act(path, "reserve")).body).toMatchObject({
      bookingstatus: "Declined",
      statechangereason: "The quantity is not available any more.",
      qty: 3_000_000,
    });
    await act(first, "reset");
    await act(path, "reset");
    expect((await act(path, "reserve")).body).toMatchObject({ bookingstatus: "Reserved" });
  });

  test("a product that needs a creative is booked once one is approved and assigned", async () => {
    sandbox.opendirect.behave("citylight", { creatives: "by-hand" });
    const line = await draft(sandbox, { productid: "888803", qty: 500_000 });
    const account = line.slice(0, line.indexOf("/orders"));
    expect(at((await act(line, "book")).body, "errors", 0, "errorCode")).toBe("CreativeRequired");
    const creative = await call(sandbox, "POST", `${account}/creatives`, {
      body: { name: "Spot", ad: { id: "1", video: { mime: ["video/mp4"] } } },
    });
    expect(creative.body).toMatchObject({ creativeapprovals: { "7987654": "PENDING" } });
    const placements = await call(sandbox, "GET", `${line}/placements`);
    const assigned = await call(sandbox, "POST", `${account}/assignments`, {
      body: { creativeid: at(creative.body, "id"), placementid: at(placements.body, "placements", 0, "id") },
    });
    expect(assigned.body).toMatchObject({ status: "Active" });
    expect(at((await act(line, "book")).body, "errors", 0, "errorCode")).toBe("CreativeNotApproved");
    sandbox.opendirect.decideCreatives("citylight", "APPROVED");
    expect((await act(line, "book")).body).toMatchObject({ bookingstatus: "Booked" });
    const off = await call(sandbox, "PATCH", `${account}/assignments/${at(assigned.body, "id")}?disable`);
    expect(off.body).toMatchObject({ status: "Inactive" });
    expect((await call(sandbox, "DELETE", `${account}/creatives/${at(creative.body, "id")}`)).status).toBe(400);
  });

  test("an order's name is unique in its account; it is approved once a line is booked, deleted while all are drafts", async () => {
    const line = await draft(sandbox);
    const order = line.slice(0, line.indexOf("/lines"));
    const orders = order.slice(0, order.lastIndexOf("/"));
    const again = await call(sandbox, "POST", orders, { body: orderBody() });
    expect([again.status, at(again.body, "errors", 0, "errorCode")]).toEqual([400, "NameNotUnique"]);
    const second = await call(sandbox, "POST", orders, { body: orderBody({ name: "Other" }) });
    expect(second.headers.get("location")).toBe(`/api/v2.1${orders}/${at(second.body, "id")}`);
    const found = await call(sandbox, "GET", `${orders}?name=*c7f1`);
    expect(at(found.body, "orders")).toMatchObject([{ name: "Spring 2027 #c7f1", orderstatus: "PENDING" }]);
    await act(line, "book");
    expect((await call(sandbox, "GET", order)).body).toMatchObject({ orderstatus: "APPROVED" });
    expect((await call(sandbox, "DELETE", order)).status).toBe(400);
    expect((await call(sandbox, "DELETE", `${orders}/${at(second.body, "id")}`)).status).toBe(200);
    expect(sandbox.opendirect.orders("citylight")).toMatchObject([{ name: "Spring 2027 #c7f1", campaignId: "c7f1" }]);
  });

  test.for([
    ["ReadOnlyField", { orderstatus: "APPROVED" }],
    ["InvalidField", { currency: "usd" }],
    ["UnknownPublisher", { publisherid: "1" }],
    ["UnknownBrand", { advertiserbrandid: "1" }],
  ] as const)("an order with a wrong field is refused: %s", async ([code, more]) => {
    const line = await draft(sandbox);
    const orders = line.slice(0, line.indexOf("/orders") + "/orders".length);
    const heard = await call(sandbox, "POST", orders, { body: orderBody({ name: "Other", ...more }) });
    expect([heard.status, at(heard.body, "errors", 0, "errorCode")]).toEqual([400, code]);
    expect(sandbox.opendirect.orders("citylight")).toHaveLength(1);
  });
});

describe("change requests", () => {
  async function requested() {
    const line = await draft(sandbox);
    await act(line, "book");
    const [, account = "", , order = "", , id = ""] = line.split("/").slice(1);
    const changes = `/accounts/${account}/changerequests`;
    const opened = await call(sandbox, "POST", changes, { body: { orderid: order, lineid: id, comments: "more" } });
    const change = `${changes}/${at(opened.body, "id")}`;
    const wished = await call(sandbox, "POST", `${change}/lines`, { body: { qty: 4_000_000 } });
    return { line, change, wished };
  }

  test("an approved one changes the line, which waits in between", async () => {
    const { line, change, wished } = await requested();
    expect(wished.body).toMatchObject({ bookingstatus: "ChangePending", qty: 4_000_000, cost: 100_000 });
    expect((await call(sandbox, "GET", line)).body).toMatchObject({ bookingstatus: "ChangePending", qty: 3_000_000 });
    expect((await act(line, "cancel")).status).toBe(400);
    expect((await call(sandbox, "PUT", `${change}/approve`)).status).toBe(400);
    sandbox.opendirect.decideChange("citylight", "APPROVED");
    expect((await call(sandbox, "GET", line)).body).toMatchObject({ bookingstatus: "Booked", qty: 4_000_000 });
    expect((await call(sandbox, "GET", change)).body).toMatchObject({ status: "APPROVED" });
    expect((await call(sandbox, "DELETE", change)).status).toBe(400);
  });

  test.for(["rejected", "withdrawn"])("a %s one leaves it as it was", async (how) => {
    const { line, change } = await requested();
    if (how === "rejected") sandbox.opendirect.decideChange("citylight", "REJECTED");
    else expect((await call(sandbox, "DELETE", change)).status).toBe(200);
    expect((await call(sandbox, "GET", line)).body).toMatchObject({ bookingstatus: "Booked", qty: 3_000_000 });
    expect((await call(sandbox, "GET", change)).status).toBe(how === "rejected" ? 200 : 404);
  });

  test("a draft takes none: it is edited", async () => {
    const line = await draft(sandbox);
    const [, account = "", , order = "", , id = ""] = line.split("/").slice(1);
    const body = { orderid: order, lineid: id };
    expect((await call(sandbox, "POST", `/accounts/${account}/changerequests`, { body })).status).toBe(400);
  });
});
