import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { at, book, get, negotiate, post, quoted, usd } from "./calls.ts";

let directory: string;
let stateFile: string;
const running: Sandbox[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sandbox-restart-"));
  stateFile = join(directory, "sandbox.json");
});

afterEach(async () => {
  for (const sandbox of running.splice(0)) await sandbox.close();
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<Sandbox> {
  const sandbox = await startSandbox({ stateFile, gapMs: 0 });
  running.push(sandbox);
  return sandbox;
}

test("a restart keeps quotes, negotiations, deals, orders, keys, faults and addresses", async () => {
  const before = await start();
  const seller = before.seller("northbeam");
  const id = await quoted(seller);
  await negotiate(seller, id, "counter", 10.5);
  const booked = await quoted(seller);
  const request = { idempotency_key: randomUUID(), quote_id: booked };
  const deal = await post(seller, "/api/v1/deals", request, { tier: "advertiser" });
  const order = await post(seller, "/api/v1/orders", { quote_id: booked });
  before.fault("harborview", { kind: "hang", uses: 3 });
  await before.close();

  const after = await start();
  const again = after.seller("northbeam");
  expect(after.sellers).toEqual(before.sellers);
  expect(after.admin.url).toBe(before.admin.url);
  const next = await negotiate(again, id, "counter", 10.8);
  expect(next.body).toMatchObject({ round: { round_number: 2, seller_price: usd(11.21) } });
  expect((await book(again, booked)).status).toBe(409);
  expect((await post(again, "/api/v1/deals", request, { tier: "advertiser" })).body).toEqual(deal.body);
  const orderId = String(at(order.body, "order_id"));
  expect((await get(again, `/api/v1/orders/${orderId}`)).body).toEqual(order.body);
  expect(after.faults("harborview")).toEqual([{ kind: "hang", uses: 3 }]);
});

test("taken ports are replaced by free ones", async () => {
  const before = await start();
  const after = await start();
  const urls = [...before.sellers, ...after.sellers].map((seller) => seller.url);
  expect(new Set(urls).size).toBe(urls.length);
  for (const seller of after.sellers) expect((await get(seller, "/health")).status).toBe(200);
});

test("every commit is on disk when it is answered, and leaves no drafts behind", async () => {
  const before = await start();
  const id = await quoted(before.seller("northbeam"));
  // Not closed: as if it had been killed.
  const after = await start();
  expect((await get(after.seller("northbeam"), `/api/v1/quotes/${id}`)).status).toBe(200);
  expect(readdirSync(directory)).toEqual(["sandbox.json"]);
});

test("an unreadable memory starts empty", async () => {
  writeFileSync(stateFile, '{"version":1,"sellers":{"northb');
  const sandbox = await start();
  const id = await quoted(sandbox.seller("northbeam"));
  expect(id).toMatch(/^qt-/);
  expect(sandbox.deals("northbeam")).toEqual([]);
});

test("without a state file nothing is written, and a chosen first port is used", async () => {
  const probe = await startSandbox({ sellers: ["civicstream"] });
  const port = Number(new URL(probe.seller("civicstream").url).port);
  await probe.close();
  const sandbox = await startSandbox({ sellers: ["civicstream"], port });
  running.push(sandbox);
  expect(sandbox.sellers.map((seller) => [seller.id, new URL(seller.url).port])).toEqual([
    ["civicstream", String(port)],
  ]);
  expect(() => sandbox.seller("northbeam")).toThrow("no sandbox seller northbeam");
  expect(readdirSync(directory)).toEqual([]);
  await expect(startSandbox({ sellers: ["nobody"] })).rejects.toThrow("no sandbox seller nobody");
});
