import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BehaviourChange } from "../../src/sandbox/opendirect/behaviour.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { at } from "./calls.ts";
import { account, call, draft, lineBody, orderBody, startCityLight } from "./opendirect-calls.ts";

/** Every switch and fault of an OpenDirect seller: what comes back, and what is in the books. */

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startCityLight();
});
afterEach(() => sandbox.close());

const day = 86_400_000;
const behave = (change: BehaviourChange) => sandbox.opendirect.behave("citylight", change);
const lines = () => sandbox.opendirect.lines("citylight");
const statuses = () => lines().map((line) => line.status);
const patch = (path: string) => call(sandbox, "PATCH", path);
const status = (heard: { readonly body: unknown }) => at(heard.body, "bookingstatus");

describe("the form of an action", () => {
  test.for([
    ["seed", "?action=reserve", "?reserve"],
    ["spec", "?reserve", "?action=reserve"],
    ["spec", "?reserve", "?reserve="],
  ] as const)("%s: %s is known, %s is not", async ([actions, right, foreign]) => {
    behave({ actions });
    const line = await draft(sandbox);
    const refused = await patch(line + foreign);
    expect([refused.status, refused.body]).toEqual([400, { error: "Bad Request" }]);
    behave({ foreignAction: "not-allowed" });
    expect((await patch(line + foreign)).status).toBe(405);
    behave({ foreignAction: "ignored" });
    const ignored = await patch(line + foreign);
    expect([ignored.status, status(ignored)]).toEqual([200, "Draft"]);
    expect(statuses()).toEqual(["Draft"]);
    expect(status(await call(sandbox, "PUT", line + right))).toBe("Reserved");
  });

  test("both, in one query too; a word that is no action does nothing", async () => {
    const line = await draft(sandbox);
    expect((await patch(`${line}?action=banana`)).status).toBe(400);
    expect(status(await patch(`${line}?action=reserve&reserve`))).toBe("Reserved");
    expect(status(await patch(`${line}?reset`))).toBe("Draft");
    expect(status(await patch(`${line}?action=book`))).toBe("Booked");
  });

  test.for([
    ["patch", "PATCH", "PUT"],
    ["put", "PUT", "PATCH"],
  ] as const)("by %s alone", async ([method, right, wrong]) => {
    behave({ method });
    const line = await draft(sandbox);
    expect((await call(sandbox, wrong, `${line}?reserve`)).status).toBe(405);
    expect(status(await call(sandbox, right, `${line}?reserve`))).toBe("Reserved");
  });

  test("a seller without reservations books drafts", async () => {
    behave({ reserve: false });
    const line = await draft(sandbox);
    expect((await patch(`${line}?action=reserve`)).status).toBe(405);
    expect(status(await patch(`${line}?action=book`))).toBe("Booked");
  });
});

describe("decisions that take time", () => {
  test("by hand: pending until a person accepts, first the reservation, then the booking", async () => {
    behave({ decides: "by-hand", repriceOnReserve: 1.2 });
    const line = await draft(sandbox);
    expect(status(await patch(`${line}?action=reserve`))).toBe("PendingReservation");
    sandbox.opendirect.pass("citylight", day);
    expect(statuses()).toEqual(["PendingReservation"]);
    expect(line.endsWith(sandbox.opendirect.decide("citylight", "accept"))).toBe(true);
    expect(lines()).toMatchObject([{ status: "Reserved", rateMicros: 30_000_000, costMicros: 90_000_000_000 }]);
    await patch(`${line}?action=book`);
    expect(statuses()).toEqual(["PendingBooking"]);
    sandbox.opendirect.decide("citylight", "accept");
    expect(statuses()).toEqual(["Booked"]);
    expect(() => sandbox.opendirect.decide("citylight", "accept")).toThrow("no line");
  });

  test("by hand: declined, with the person's words", async () => {
    behave({ decides: "by-hand" });
    const line = await draft(sandbox);
    await patch(`${line}?action=book`);
    sandbox.opendirect.decide("citylight", { decline: "Not in this quarter" });
    expect((await call(sandbox, "GET", line)).body).toMatchObject({
      bookingstatus: "Declined",
      statechangereason: "Not in this quarter",
    });
  });

  test("by the clock", async () => {
    behave({ decides: day });
    const line = await draft(sandbox);
    await patch(`${line}?action=reserve`);
    sandbox.opendirect.pass("citylight", day - 1);
    expect(statuses()).toEqual(["PendingReservation"]);
    sandbox.opendirect.pass("citylight", 1);
    expect(statuses()).toEqual(["Reserved"]);
  });

  test("by the clock, after the inventory has gone", async () => {
    behave({ decides: day });
    const line = await draft(sandbox);
    await patch(`${line}?action=reserve`);
    behave({ inventory: 0.1 });
    sandbox.opendirect.pass("citylight", day);
    expect(statuses()).toEqual(["Declined"]);
  });
});

describe("declined at once", () => {
  test.for(["reserve", "book"] as const)("%s: as a state with its reason", async (action) => {
    behave({ declines: { [action]: "Brand not allowed here" } });
    const line = await draft(sandbox);
    const heard = await patch(`${line}?action=${action}`);
    expect([heard.status, at(heard.body, "statechangereason")]).toEqual([200, "Brand not allowed here"]);
    expect(statuses()).toEqual(["Declined"]);
  });

  test("as an error, and the line stays a draft", async () => {
    behave({ declinesBy: "error", inventory: 0.1 });
    const line = await draft(sandbox);
    const heard = await patch(`${line}?action=reserve`);
    expect([heard.status, at(heard.body, "errors", 0, "errorCode")]).toEqual([400, "ImpressionsNotAvailable"]);
    expect(statuses()).toEqual(["Draft"]);
  });
});

describe("terms that are not what was asked for", () => {
  test.for([
    ["dearer at its reservation", { repriceOnReserve: 1.1 }, 27_500_000, 82_500_000_000],
    ["cheaper at its reservation", { repriceOnReserve: 0.8 }, 20_000_000, 60_000_000_000],
    ["dearer at its booking", { repriceOnBook: 1.1 }, 27_500_000, 82_500_000_000],
  ] as const)("%s", async ([, change, rateMicros, costMicros]) => {
    behave(change);
    const line = await draft(sandbox);
    await patch(`${line}?action=reserve`);
    await patch(`${line}?action=book`);
    expect(lines()).toMatchObject([{ status: "Booked", rateMicros, costMicros }]);
  });

  test("a smaller quantity than asked for", async () => {
    behave({ short: 0.5 });
    const line = await draft(sandbox);
    expect((await call(sandbox, "GET", line)).body).toMatchObject({ qty: 1_500_000, cost: 37_500 });
  });

  test("another time than asked for", async () => {
    behave({ laterDays: 7 });
    const line = await draft(sandbox);
    expect((await call(sandbox, "GET", line)).body).toMatchObject({ startdate: "2027-03-12T00:00:00.000Z" });
  });

  test("an order in another currency", async () => {
    behave({ currency: "EUR" });
    await draft(sandbox);
    expect(sandbox.opendirect.orders("citylight")).toMatchObject([{ currency: "EUR" }]);
  });
});

test("a reservation that is let run out is Expired, and can be reset", async () => {
  const line = await draft(sandbox);
  await patch(`${line}?action=reserve`);
  sandbox.opendirect.expireReservation("citylight");
  expect((await patch(`${line}?action=book`)).status).toBe(400);
  expect(status(await call(sandbox, "GET", line))).toBe("Expired");
  expect(status(await patch(`${line}?action=reset`))).toBe("Draft");
});

describe("an answer that is lost after the step was done", () => {
  test("of an order and of a line", async () => {
    const base = await account(sandbox);
    sandbox.opendirect.lose("citylight", "order");
    await expect(call(sandbox, "POST", `${base}/orders`, { body: orderBody() })).rejects.toThrow();
    const [order] = sandbox.opendirect.orders("citylight");
    expect(order).toMatchObject({ name: "Spring 2027 #c7f1", campaignId: "c7f1" });
    const path = `${base}/orders/${order?.id}/lines`;
    sandbox.opendirect.lose("citylight", "line");
    await expect(call(sandbox, "POST", path, { body: lineBody() })).rejects.toThrow();
    expect(statuses()).toEqual(["Draft"]);
    expect(at((await call(sandbox, "GET", path)).body, "lines")).toMatchObject([{ name: "Line 1 #c7f1-1" }]);
  });

  test.for([
    ["reserve", "Reserved"],
    ["book", "Booked"],
  ] as const)("of %s, in both forms", async ([action, reached]) => {
    for (const query of [`?action=${action}`, `?${action}`]) {
      const line = await draft(sandbox, { qty: 1_000_000 });
      sandbox.opendirect.lose("citylight", action);
      await expect(patch(line + query)).rejects.toThrow();
      expect(status(await call(sandbox, "GET", line))).toBe(reached);
    }
    const answered = sandbox.requests("citylight").filter(({ operation }) => operation === action);
    expect(answered.map((entry) => [entry.faults, entry.status, entry.answered])).toEqual([
      [["drop-answer"], 200, false],
      [["drop-answer"], 200, false],
    ]);
  });
});

describe("sellers that are not what they seem", () => {
  test.for(["reserve", "book", "cancel"] as const)("200 to %s, and nothing done", async (action) => {
    const line = await draft(sandbox);
    if (action === "cancel") await patch(`${line}?action=reserve`);
    const before = statuses();
    behave({ unchanged: [action] });
    expect((await patch(`${line}?action=${action}`)).status).toBe(200);
    expect(statuses()).toEqual(before);
  });

  test.for(["line", "reserve", "book"] as const)("a line that is gone after %s", async (step) => {
    behave({ forgets: [step] });
    const line = await draft(sandbox);
    if (step !== "line") expect((await patch(`${line}?action=${step}`)).status).toBe(200);
    expect((await call(sandbox, "GET", line)).status).toBe(404);
    expect(lines()).toEqual([]);
  });

  test("an order that is gone after it was placed, and a line forgotten later", async () => {
    const line = await draft(sandbox);
    sandbox.opendirect.forget("citylight", lines()[0]?.id ?? "");
    expect((await call(sandbox, "GET", line)).status).toBe(404);
    behave({ forgets: ["order"], duplicates: true });
    const orders = line.slice(0, line.indexOf("/orders") + "/orders".length);
    const placed = await call(sandbox, "POST", orders, { body: orderBody() });
    expect([placed.status, (await call(sandbox, "GET", `${orders}/${at(placed.body, "id")}`)).status]).toEqual([
      200, 404,
    ]);
  });

  test("orders of one name, where they are taken", async () => {
    behave({ duplicates: true });
    const base = await account(sandbox);
    for (let n = 0; n < 2; n += 1) await call(sandbox, "POST", `${base}/orders`, { body: orderBody() });
    expect(sandbox.opendirect.orders("citylight")).toHaveLength(2);
  });

  test("a state in other words, and fields that are left out", async () => {
    behave({ statusWords: { Canceled: "Cancelled", Reserved: "Held" }, omits: ["cost", "reservedexpirydate"] });
    const line = await draft(sandbox);
    const held = (await patch(`${line}?action=reserve`)).body;
    expect(held).toMatchObject({ bookingstatus: "Held", rate: 25 });
    expect(Object.keys(Object(held)).filter((name) => ["cost", "reservedexpirydate"].includes(name))).toEqual([]);
    expect(status(await patch(`${line}?action=cancel`))).toBe("Cancelled");
    expect(statuses()).toEqual(["Canceled"]);
  });

  test("amounts as text, moments without a zone or with a blank", async () => {
    const line = await draft(sandbox);
    behave({ careless: true });
    expect((await patch(`${line}?action=reserve`)).body).toMatchObject({
      rate: "25",
      qty: "3000000",
      cost: "75000",
      startdate: "2027-03-05T00:00:00.000",
      enddate: "2027-03-10T23:59:59.000Z ",
      reservedexpirydate: "2027-02-08T12:00:00.000",
    });
  });

  test("writes without an answer's body say where the thing is", async () => {
    const base = await account(sandbox);
    behave({ quiet: true });
    const placed = await call(sandbox, "POST", `${base}/orders`, { body: orderBody() });
    expect([placed.status, placed.body]).toEqual([204, ""]);
    const order = placed.headers.get("location")?.replace("/api/v2.1", "") ?? "";
    expect((await call(sandbox, "GET", order)).body).toMatchObject({ name: "Spring 2027 #c7f1" });
    expect((await call(sandbox, "POST", "/products/search", { body: {} })).status).toBe(200);
  });

  test("two spellings of one name with different values", async () => {
    const line = await draft(sandbox);
    await patch(`${line}?action=book`);
    behave({ collide: true });
    expect((await call(sandbox, "GET", line)).body).toMatchObject({ bookingstatus: "Booked", bookingStatus: "Draft" });
    const list = line.slice(0, line.lastIndexOf("/"));
    expect((await call(sandbox, "GET", list)).body).toMatchObject({ lines: [{ bookingStatus: "Draft" }] });
    behave({ dialect: "pascal" });
    expect((await call(sandbox, "GET", line)).body).toMatchObject({ BookingStatus: "Booked", bookingstatus: "Draft" });
  });

  test("a mock: every id answers, a draft delivers, and a cancelled line is booked again", async () => {
    behave({ simulated: true, stats: "flat", dialect: "camel" });
    const base = await account(sandbox, "camel");
    const made = await call(sandbox, "GET", `${base}/orders/17/lines/18`);
    expect([made.status, made.body]).toMatchObject([200, { id: "18", bookingStatus: "Draft" }]);
    const stats = await call(sandbox, "GET", `${base}/orders/17/lines/18/stats`);
    expect(stats.body).toMatchObject({ impressionsDelivered: 225_000, deliveryRate: 45 });
    const line = await draft(sandbox, {}, "camel");
    await patch(`${line}?action=cancel`);
    expect(at((await patch(`${line}?action=book`)).body, "bookingStatus")).toBe("Booked");
    expect(await patch(`${line}?action=reserve`)).toMatchObject({ body: { bookingStatus: "Reserved" } });
  });
});

describe("how it refuses", () => {
  test.for([
    ["lower", { errors: [{ errorCode: "NotFound", message: "There is no such line." }] }],
    ["camel", { errors: [{ ErrorCode: "NotFound", ErrorMessage: "There is no such line." }] }],
    ["pascal", { Errors: [{ ErrorCode: "NotFound", Message: "There is no such line." }] }],
  ] as const)("%s", async ([dialect, body]) => {
    behave({ dialect });
    const line = await draft(sandbox, {}, dialect);
    expect(await call(sandbox, "GET", `${line}7`)).toMatchObject({ status: 404, body });
  });

  test.for([
    ["detail", { detail: "There is no such line." }],
    ["error", { statusCode: 404, error: "Not Found", message: "There is no such line." }],
    ["html", "<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>"],
  ] as const)("%s", async ([errors, body]) => {
    const line = await draft(sandbox);
    behave({ errors });
    expect(await call(sandbox, "GET", `${line}7`)).toMatchObject({ status: 404, body });
  });

  test("a line is found in its own order and account only", async () => {
    const line = await draft(sandbox);
    const elsewhere = await account(sandbox);
    const [, , , ...rest] = line.split("/");
    expect((await call(sandbox, "GET", `${elsewhere}/${rest.join("/")}`)).status).toBe(404);
  });
});

test("the flat stats of the buyer clients, over a flight", async () => {
  behave({ stats: "flat" });
  const line = await draft(sandbox);
  await patch(`${line}?action=book`);
  sandbox.opendirect.pass("citylight", 60 * day);
  expect((await call(sandbox, "GET", `${line}/stats`)).body).toMatchObject({
    impressionsdelivered: 2_880_000,
    targetimpressions: 3_000_000,
    deliveryrate: 96,
    amountspent: 72_000,
    budget: 75_000,
    effectivecpm: 25,
  });
});

test("what was never booked delivers nothing, though its flight passes", async () => {
  const line = await draft(sandbox);
  sandbox.opendirect.pass("citylight", 60 * day);
  const nothing = { impressions: 0, clicks: 0, ctr: 0, spend: 0 };
  expect((await call(sandbox, "GET", `${line}/stats`)).body).toMatchObject({ stats: [nothing] });
});

test("a line cancelled in flight is Stopped, and what ran is owed", async () => {
  const line = await draft(sandbox, { startdate: "2027-03-05T00:00:00Z", enddate: "2027-03-15T00:00:00Z" });
  await patch(`${line}?action=book`);
  sandbox.opendirect.pass("citylight", 31.5 * day + 5 * day);
  expect(status(await patch(`${line}?action=cancel`))).toBe("Stopped");
  sandbox.opendirect.pass("citylight", 30 * day);
  expect(lines()).toMatchObject([{ status: "Stopped", impressions: 1_440_000, spendMicros: 36_000_000_000 }]);
});

test("the general faults strike here too", async () => {
  const line = await draft(sandbox);
  sandbox.fault("citylight", { kind: "malformed", operation: "line-read", uses: 1 });
  expect(status(await call(sandbox, "GET", line))).toBeUndefined();
  sandbox.fault("citylight", { kind: "error-text", operation: "book", uses: 1 });
  expect((await patch(`${line}?book`)).status).toBe(500);
  expect(statuses()).toEqual(["Draft"]);
  sandbox.fault("citylight", { kind: "error-500-after-commit", operation: "book", uses: 1 });
  expect((await patch(`${line}?book`)).status).toBe(500);
  expect(statuses()).toEqual(["Booked"]);
});
