import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sandboxCommand } from "../../src/sandbox/command.ts";
import { resetSandbox, runSandboxDaemon } from "../../src/sandbox/daemon.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { startSandbox } from "../../src/sandbox/sandbox.ts";
import type { SandboxSeller } from "../../src/sandbox/sandbox-seller.ts";
import { at } from "./calls.ts";
import { call, draft, startCityLight } from "./opendirect-calls.ts";

/** What an OpenDirect seller remembers when its process is gone, and how the sandbox's own process is asked for it. */

let directory: string;
const running: Sandbox[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sandbox-opendirect-"));
});

afterEach(async () => {
  for (const sandbox of running.splice(0)) await sandbox.close();
  await resetSandbox(directory);
  rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<Sandbox> {
  const sandbox = await startCityLight(join(directory, "state.json"));
  running.push(sandbox);
  return sandbox;
}

test("a restart keeps accounts, orders, lines, behaviour, faults, ids and the address", async () => {
  const before = await start();
  before.opendirect.behave("citylight", { decides: "by-hand", dialect: "camel" });
  const line = await draft(before, {}, "camel");
  await call(before, "PATCH", `${line}?action=reserve`);
  before.opendirect.lose("citylight", "book");
  const books = [before.opendirect.orders("citylight"), before.opendirect.lines("citylight")];
  const account = await call(before, "GET", "/accounts");
  // Only its port is given up: nothing is written at the end, as if it had been killed.
  await before.close();

  const after = await start();
  expect(after.seller("citylight")).toEqual(before.seller("citylight"));
  expect([after.opendirect.orders("citylight"), after.opendirect.lines("citylight")]).toEqual(books);
  expect((await call(after, "GET", "/accounts")).body).toEqual(account.body);
  expect(at((await call(after, "GET", line)).body, "bookingStatus")).toBe("PendingReservation");
  after.opendirect.decide("citylight", "accept");
  await expect(call(after, "PATCH", `${line}?action=book`)).rejects.toThrow();
  after.opendirect.decide("citylight", "accept");
  expect(at((await call(after, "GET", line)).body, "bookingStatus")).toBe("Booked");
  const second = await draft(after, { qty: 1_000_000 }, "camel");
  expect(second).not.toBe(line);
});

test("nobody speaks OpenDirect who was not asked for, and nobody else speaks for it", async () => {
  const sandbox = await startSandbox({ sellers: ["northbeam"], gapMs: 0 });
  running.push(sandbox);
  expect(sandbox.sellers.map(({ id }) => id)).toEqual(["northbeam"]);
  expect(() => sandbox.opendirect.lines("northbeam")).toThrow("northbeam does not speak OpenDirect");
  await expect(startSandbox({ sellers: [], opendirect: ["nobody"] })).rejects.toThrow("no sandbox seller nobody");
});

/** Runs the sandbox's process, here, until the test is over; resolves when it answers. */
async function daemon(opendirect: boolean) {
  const stop = new AbortController();
  let ended: Promise<void> = Promise.resolve();
  const sellers = await new Promise<readonly SandboxSeller[]>((resolve, reject) => {
    const options = { directory, log: () => undefined, onReady: resolve, signal: stop.signal, opendirect };
    ended = runSandboxDaemon(options);
    ended.catch(reject);
  });
  const end = async () => {
    stop.abort();
    await ended;
  };
  return { sellers, end };
}

/** A command to the running sandbox, and what it prints. */
async function ordered(...argv: string[]) {
  const lines: string[] = [];
  const errors: string[] = [];
  const context = { directory, log: (line: string) => errors.push(line), out: (line: string) => lines.push(line) };
  const code = await sandboxCommand(argv, context);
  return { code, out: lines.join("\n"), err: errors.join("\n") };
}

test("the sandbox's process has it on request, obeys commands about it, and keeps its books", async () => {
  const usual = await daemon(false);
  expect(usual.sellers.map(({ id }) => id)).not.toContain("citylight");
  await usual.end();

  const first = await daemon(true);
  const citylight = first.sellers.find(({ id }) => id === "citylight");
  if (!citylight) throw new Error("no CityLight");
  const seller = { seller: () => citylight };
  expect(await ordered("behave", "citylight", '{"decides":"by-hand"}')).toMatchObject({ code: 0, err: "" });
  expect((await ordered("behave", "citylight", '{"dialect":"latin"}')).code).toBe(1);
  const times = { startdate: "2099-03-05T00:00:00Z", enddate: "2099-03-10T23:59:59Z" };
  const line = await draft(seller, times);
  await call(seller, "PATCH", `${line}?action=reserve`);
  expect((await ordered("accept", "citylight")).code).toBe(0);
  expect((await ordered("lose", "citylight", "book")).code).toBe(0);
  await expect(call(seller, "PATCH", `${line}?action=book`)).rejects.toThrow();
  expect((await ordered("books", "northbeam")).err).toContain("northbeam does not speak OpenDirect");
  await first.end();

  const second = await daemon(true);
  expect(second.sellers.find(({ id }) => id === "citylight")).toEqual(citylight);
  expect((await ordered("decline", "citylight", "--words", "Not this year")).code).toBe(0);
  expect(JSON.parse((await ordered("books", "citylight")).out)).toMatchObject({
    orders: [{ name: "Spring 2027 #c7f1" }],
    lines: [{ status: "Declined", reason: "Not this year" }],
  });
  await second.end();
});
