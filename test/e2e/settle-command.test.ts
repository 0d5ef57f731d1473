import { renameSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { verifies } from "../requirements.ts";
import { approving, type Connection } from "./client.ts";
import { type ConfigFile, quoteFrom, startDesk, type TestDesk } from "./fixtures.ts";
import { pin } from "../people.ts";
import { at, givePin } from "./operator.ts";
import { hasTerminal } from "./pseudo-terminal.ts";

if (!hasTerminal)
  process.stderr.write("settle-command.test.ts: no `script` of util-linux here to open a terminal with\n");
vi.setConfig({ testTimeout: 60_000 });

describe.runIf(hasTerminal)("media-buyer-mcp settle", () => {
  let desk: TestDesk;
  let client: Connection;
  let volume = 2_000_000;
  const quoted = () => {
    volume += 1_000;
    return quoteFrom(client, { impressions: volume });
  };
  const buy = async () => {
    const quote = await quoted();
    return { quote, reply: await client.ok("create_media_buy", { lines: [{ quote_id: quote }] }) };
  };
  const unknown = async () => {
    desk.sandbox.fault("northbeam", { kind: "hang", operation: "deal", uses: 1 });
    const { quote, reply } = await buy();
    expect(reply.string("status")).toBe("booking_unknown");
    return quote;
  };
  const committed = async () => (await client.ok("get_inbox")).string("mandate", "committed_today");
  const settle = async (typed: string, ...words: readonly string[]) => {
    const terminal = at(desk, "settle", ...words);
    await terminal.answer("PIN: ", typed);
    await terminal.ended();
    return terminal;
  };

  beforeAll(async () => {
    const config = (standard: ConfigFile) => ({ ...standard, timeouts: { booking_s: 1 } });
    desk = await startDesk({ sandbox: { sellers: ["northbeam"] }, config });
    await givePin(desk);
    client = await desk.connect({ person: approving });
  });
  afterAll(() => desk.close());

  test("without an option it shows what stands and what can be done", async () => {
    const quote = await unknown();
    const held = await committed();
    const { code, stdout } = await desk.run("settle", quote);
    expect(code).toBe(0);
    expect(stdout).toContain("booking_unknown");
    expect(stdout).toContain(` settle ${quote} --not-booked`);
    expect(await committed()).toBe(held);
  });

  test("--not-booked gives the money back", async () => {
    verifies("promise.settle");
    const before = await committed();
    const quote = await unknown();
    expect(await committed()).not.toBe(before);
    const terminal = await settle(pin, quote, "--not-booked", "--note", "Kim at Northbeam says no");
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen).toContain("Settled as not booked; its money is given back.");
    expect(terminal.screen).not.toContain(pin);
    expect(await committed()).toBe(before);
    const told = await client.ok("get_history", { media_buy_id: quote });
    expect(told.text).toContain("settled it as not booked: Kim at Northbeam says no");
  });

  test("--booked keeps the money and notes the deal", async () => {
    verifies("promise.settle");
    const quote = await unknown();
    const held = await committed();
    const terminal = await settle(pin, quote, "--booked", "NB-2099");
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen).toContain("Settled as booked, deal NB-2099.");
    expect(await committed()).toBe(held);
    const shown = await client.ok("get_media_buys", { ids: [quote] });
    expect(shown.string("media_buys", 0, "status")).toBe("booked");
    expect(shown.string("media_buys", 0, "packages", 0, "deal_id")).toBe("NB-2099");
    const again = at(desk, "settle", quote, "--not-booked");
    expect(await again.ended()).toBe(1);
    expect(again.screen).toContain("is booked; only an unknown booking is settled. Nothing was changed.");
  });

  test("a wrong PIN, a pipe, two answers at once: nothing is changed", async () => {
    const quote = await unknown();
    const held = await committed();
    const terminal = await settle("not the one", quote, "--not-booked");
    expect(await terminal.ended()).toBe(1);
    expect(terminal.screen).toContain("That is not the PIN. Nothing was changed.");
    const piped = await desk.run("settle", quote, "--not-booked");
    expect([piped.code, piped.stdout]).toEqual([1, expect.stringContaining("this is a pipe. Nothing was changed.")]);
    const both = await desk.run("settle", quote, "--not-booked", "--booked", "NB-1");
    expect([both.code, both.stdout]).toEqual([2, expect.stringContaining("One of --booked")]);
    expect(await committed()).toBe(held);
    const shown = await client.ok("get_media_buys", { ids: [quote] });
    expect(shown.string("media_buys", 0, "status")).toBe("booking_unknown");
  });

  test("--clear ends the incident of a drifted price, and approvals go on", async () => {
    verifies("promise.compared");
    desk.sandbox.fault("northbeam", { kind: "price-drift", uses: 1 });
    const { quote, reply } = await buy();
    expect(reply.string("status")).toBe("terms_mismatch");
    const stopped = await quoted();
    const refused = await client.call("create_media_buy", { lines: [{ quote_id: stopped }] });
    expect(refused.text).toMatch(/^spending_stopped/);
    const shown = await desk.run("settle", quote);
    expect(shown.stdout).toContain(` settle ${quote} --clear`);
    const terminal = await settle(pin, quote, "--clear");
    expect(await terminal.ended(), terminal.screen).toBe(0);
    expect(terminal.screen).toContain("Cleared: it stands as it is, and approvals go on.");
    const after = await client.ok("create_media_buy", { lines: [{ quote_id: stopped }] });
    expect(after.string("status")).toBe("booked");
    const again = at(desk, "settle", quote, "--clear");
    expect(await again.ended()).toBe(1);
    expect(again.screen).toContain("has no open incident. Nothing was changed.");
  });

  test("every word that was typed here is signed, and the audit verifies it", async () => {
    verifies("promise.settle");
    const { code, stdout } = await desk.run("audit", "--verify");
    expect(stdout).toContain("3 settlements with a signature that verifies.");
    expect(stdout).toContain("Nothing is off.");
    expect(code).toBe(0);
    const keys = join(desk.directory, "data", "acme", "people");
    renameSync(keys, `${keys}-elsewhere`);
    const without = await desk.run("audit", "--verify").finally(() => renameSync(`${keys}-elsewhere`, keys));
    expect(without.code).toBe(1);
    expect(without.stdout).toMatch(/is settled as not booked by .*, with a signature that does not verify/);
  });
});
