import { afterEach, beforeEach, expect, test } from "vitest";
import type { Dialect } from "../../src/sandbox/opendirect/dialect.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { at } from "./calls.ts";
import { call, draft, inDialect, lineBody, spelled, startCityLight } from "./opendirect-calls.ts";

/** A line's life over HTTP: OpenDirect 1.5.1 §2.4.1 and the state diagram of 2.1. */

let sandbox: Sandbox;

beforeEach(async () => {
  sandbox = await startCityLight();
});
afterEach(() => sandbox.close());

const day = 86_400_000;
const statuses = () => sandbox.opendirect.lines("citylight").map((line) => line.status);

test.for(["lower", "camel", "pascal"] as const)(
  "drafted, reserved, booked, run and reported in %s",
  async (dialect) => {
    sandbox.opendirect.behave("citylight", { dialect });
    const word = (name: string) => spelled(dialect, name);
    const products = await call(sandbox, "GET", "/products");
    expect(at(products.body, word("products"), 1)).toMatchObject(
      Object(inDialect(dialect, { id: "888899", baseprice: 25, ratetype: "CPM", currency: "USD" })),
    );
    const line = await draft(sandbox, {}, dialect);
    const held = await call(sandbox, "PATCH", `${line}?action=reserve`);
    expect(held.body).toMatchObject(
      Object(
        inDialect(dialect, {
          bookingstatus: "Reserved",
          reservedexpirydate: "2027-02-08T12:00:00.000Z",
          rate: 25,
          qty: 3_000_000,
          cost: 75_000,
        }),
      ),
    );
    expect(at((await call(sandbox, "PATCH", `${line}?action=book`)).body, word("bookingstatus"))).toBe("Booked");
    expect(at((await call(sandbox, "GET", line)).body, word("bookingstatus"))).toBe("Booked");
    sandbox.opendirect.pass("citylight", 35 * day);
    expect(at((await call(sandbox, "GET", line)).body, word("bookingstatus"))).toBe("InFlight");
    sandbox.opendirect.pass("citylight", 5 * day);
    expect(statuses()).toEqual(["Finished"]);
    const stats = await call(sandbox, "GET", `${line}/stats`);
    const impressions = dialect === "pascal" ? "ImpressionsServed" : "impressions";
    const record = at(stats.body, word("stats"), 0);
    expect([at(record, impressions), at(record, word("spend")), at(record, word("ctr"))]).toEqual([
      2_880_000, 72_000, 0.4,
    ]);
  },
);

function other(dialect: Dialect): Dialect {
  return dialect === "lower" ? "camel" : "lower";
}

test.for(["lower", "camel", "pascal"] as const)("%s: names of another spelling are refused", async (dialect) => {
  sandbox.opendirect.behave("citylight", { dialect });
  const line = await draft(sandbox, {}, dialect);
  const collection = line.slice(0, line.lastIndexOf("/"));
  const body = inDialect(other(dialect), lineBody());
  const heard = await call(sandbox, "POST", collection, { body });
  expect(heard.status).toBe(400);
  expect(JSON.stringify(heard.body)).toContain("UnknownField");
  expect(sandbox.opendirect.lines("citylight")).toHaveLength(1);
});
