import process from "node:process";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { everyNth, inLong } from "../long.ts";
import { verifies } from "../requirements.ts";
import type { Connection } from "./client.ts";
import { type ConfigFile, dealsOf, quoteFrom, startDesk, type TestDesk } from "./fixtures.ts";
import { pin } from "../people.ts";
import { at, givePin } from "./operator.ts";
import { hasTerminal, type PseudoTerminal } from "./pseudo-terminal.ts";

if (!hasTerminal) process.stderr.write("terminal.test.ts: no `script` of util-linux here to open a terminal with\n");

// Each command is a process of its own, and a PIN is slow to check on purpose.
vi.setConfig({ testTimeout: 60_000 });

const prompt = "Type approve or reject (anything else leaves it open): ";

/** A mandate that lets the client's form decide, and the terminal nothing. */
function withoutTerminal(standard: ConfigFile): ConfigFile {
  const { terminal: _, ...channels } = Object(Object(standard["mandate"]).channels);
  return { ...standard, mandate: { ...Object(standard["mandate"]), channels } };
}

/** An approval that waits: the client that asked has no forms. */
async function waiting(client: Connection, impressions = 1_000_000): Promise<{ id: string; quote: string }> {
  const quote = await quoteFrom(client, { impressions });
  const reply = await client.ok("create_media_buy", { lines: [{ quote_id: quote }], po_number: "PO-4711" });
  expect(reply.string("status")).toBe("awaiting_approval");
  return { id: reply.string("approval", "approval_id"), quote };
}

async function statusOf(client: Connection, approvalId: string): Promise<string> {
  return (await client.ok("approve", { approval_id: approvalId, wait_s: 0 })).string("approval", "status");
}

async function decide(desk: TestDesk, id: string, word: string, typed: string): Promise<PseudoTerminal> {
  const terminal = at(desk, "approve", id);
  await terminal.answer(prompt, word);
  await terminal.answer("PIN: ", typed);
  await terminal.ended();
  return terminal;
}

describe.runIf(hasTerminal)("media-buyer-mcp pin", () => {
  let desk: TestDesk;
  beforeEach(async () => {
    desk = await startDesk({ sandbox: { sellers: ["northbeam"] } });
  });
  afterEach(() => desk.close());

  test("without a PIN nothing is approved at the terminal", async () => {
    verifies("ask.terminal");
    const client = await desk.connect();
    const { id, quote } = await waiting(client);
    const terminal = at(desk, "approve", id);
    expect(await terminal.ended()).toBe(1);
    expect(terminal.screen).toContain("has no PIN on this desk, so nothing can be decided here");
    expect(terminal.screen).toContain("Nothing was decided.");
    expect(await statusOf(client, id)).toBe("pending");
    expect(dealsOf(desk, quote)).toBe(0);
  });

  test.each([
    ["shorter than eight characters", "seven 7", "at least 8 characters"],
    ["one character again and again", "aaaaaaaaaa", "more than a few repeated characters"],
  ])("a PIN %s is refused", async (_what, typed, reason) => {
    const terminal = at(desk, "pin");
    await terminal.answer("New PIN", typed);
    expect(await terminal.ended()).toBe(1);
    expect(terminal.screen).toContain(reason);
    expect(terminal.screen).toContain("Nothing was changed.");
    expect(terminal.screen).not.toContain(typed);
  });

  test("a PIN typed differently the second time is not set", async () => {
    const terminal = at(desk, "pin");
    await terminal.answer("New PIN", pin);
    await terminal.answer("Again: ", `${pin}8`);
    expect(await terminal.ended()).toBe(1);
    expect(terminal.screen).toContain("The two differ. Nothing was changed.");
  });

  test("the PIN is never echoed, and changing it needs the present one", async () => {
    const first = at(desk, "pin");
    await first.answer("New PIN", pin);
    await first.answer("Again: ", pin);
    expect(await first.ended(), first.screen).toBe(0);
    expect(first.screen).not.toContain(pin);
    const wrong = at(desk, "pin");
    await wrong.answer("PIN: ", "not the one");
    expect(await wrong.ended()).toBe(1);
    expect(wrong.screen).toContain("That is not the PIN. Nothing was changed.");
    const change = at(desk, "pin");
    await change.answer("PIN: ", pin);
    await change.answer("New PIN", "another phrase 9");
    await change.answer("Again: ", "another phrase 9");
    expect(await change.ended(), change.screen).toBe(0);
    expect(`${wrong.screen}${change.screen}`).not.toMatch(/not the one|correct horse|another phrase/);
  });

  test("five wrong PINs lock it, however many are tried at once, and for the right one too", async () => {
    await givePin(desk);
    const client = await desk.connect();
    const { id, quote } = await waiting(client);
    const left = at(desk, "pin");
    await left.see("PIN: ");
    left.press("\u0003");
    expect(await left.ended()).toBe(1);
    expect(left.screen).toContain("Nothing was changed.");
    // Ctrl-C was no try, or only four of these would be told that it was the wrong one.
    const terminals = await Promise.all(
      Array.from({ length: 7 }, async () => {
        const terminal = at(desk, "approve", id);
        await terminal.answer(prompt, "approve");
        await terminal.see("PIN: ");
        return terminal;
      }),
    );
    for (const terminal of terminals) terminal.press("wrong number\r");
    expect(await Promise.all(terminals.map((terminal) => terminal.ended()))).toEqual([1, 1, 1, 1, 1, 1, 1]);
    const saying = (words: string) => terminals.filter(({ screen }) => screen.includes(words)).length;
    expect(saying("That is not the PIN. Left open. Nothing was decided.")).toBe(5);
    expect(saying("locked for 15 minutes")).toBe(2);
    expect(saying("wrong number")).toBe(0);

    const locked = at(desk, "approve", id);
    await locked.answer(prompt, "approve");
    await locked.answer("PIN: ", pin);
    expect(await locked.ended()).toBe(1);
    expect(locked.screen).toContain("locked for 15 minutes");
    const change = at(desk, "pin");
    await change.answer("PIN: ", pin);
    expect(await change.ended()).toBe(1);
    expect(change.screen).toContain("locked for 15 minutes");
    expect(await statusOf(client, id)).toBe("pending");
    expect(dealsOf(desk, quote)).toBe(0);
  });
});

describe.runIf(hasTerminal)("media-buyer-mcp approve", () => {
  let desk: TestDesk;
  let client: Connection;
  let volume = 1_000_000;
  /** Another volume is another quote. */
  const next = () => {
    volume += 1_000;
    return waiting(client, volume);
  };

  beforeAll(async () => {
    desk = await startDesk({ sandbox: { sellers: ["northbeam"] } });
    await givePin(desk);
    client = await desk.connect();
  });
  afterAll(() => desk.close());

  test("the right PIN approves exactly what is shown, and a serving process sends it", async () => {
    verifies("ask.terminal", "booking.poll");
    const { id, quote } = await next();
    const poll = client.ok("approve", { approval_id: id, wait_s: 40 });
    const terminal = await decide(desk, id, "approve", pin);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen).toContain("CTV Sports Live");
    expect(terminal.screen).toContain("PO-4711");
    expect(terminal.screen).toContain("Committed today");
    expect(terminal.screen).toContain("Approved.");
    expect(terminal.screen).not.toContain(pin);
    const reply = await poll;
    expect(reply.string("status")).toBe("booked");
    expect(reply.string("decided", "via")).toBe("terminal");
    expect(reply.string("media_buys", 0, "media_buy_id")).toBe(quote);
    expect(dealsOf(desk, quote)).toBe(1);
  });

  test("the terminal itself calls no seller; the next server to start sends", async () => {
    verifies("ask.terminal_does_not_send");
    const { id, quote } = await next();
    await client.close();
    desk.sandbox.clearRequests();
    const terminal = await decide(desk, id, "approve", pin);
    expect(terminal.screen).toContain("Approved.");
    expect(desk.sandbox.requests()).toEqual([]);
    expect(dealsOf(desk, quote)).toBe(0);
    client = await desk.connect();
    const reply = await client.ok("approve", { approval_id: id, wait_s: 40 });
    expect(reply.string("status")).toBe("booked");
    expect(dealsOf(desk, quote)).toBe(1);
  });

  test("some of the lines, by their numbers; a number that no line has decides nothing", async () => {
    verifies("approval.approve_some");
    const refs: string[] = [];
    for (const impressions of [610_000, 620_000, 630_000]) refs.push(await quoteFrom(client, { impressions }));
    const lines = refs.map((ref) => ({ quote_id: ref }));
    const id = (await client.ok("create_media_buy", { lines })).string("approval", "approval_id");
    const choose = async (words: string) => {
      const terminal = at(desk, "approve", id);
      await terminal.answer("Type approve, approve with line numbers", words);
      return terminal;
    };
    const none = ["approve 1 4", "approve 0", "approve 4", "approve 1x", "approve -1", "approve all"];
    for (const words of everyNth(none, 3)) {
      const terminal = await choose(words);
      expect(await terminal.ended(), words).toBe(1);
      expect(terminal.screen).toContain("Left open. Nothing was decided.");
    }
    const terminal = await choose("approve 1, 3");
    await terminal.answer("PIN: ", pin);
    expect(await terminal.ended(), terminal.screen).toBe(0);
    const reply = await client.ok("approve", { approval_id: id, wait_s: 40 });
    expect(reply.string("status")).toBe("partly_booked");
    expect(refs.map((ref) => dealsOf(desk, ref))).toEqual([1, 0, 1]);
  });

  test("a wrong PIN decides nothing", async () => {
    const { id, quote } = await next();
    const terminal = await decide(desk, id, "approve", "not the one");
    expect(await terminal.ended()).toBe(1);
    expect(terminal.screen).toContain("That is not the PIN. Left open. Nothing was decided.");
    expect(await statusOf(client, id)).toBe("pending");
    expect(dealsOf(desk, quote)).toBe(0);
    // A right one afterwards counts the wrong tries no longer.
    expect((await decide(desk, id, "reject", pin)).screen).toContain("Rejected.");
  });

  test("reject ends it, and nothing is booked", async () => {
    verifies("approval.reject");
    const { id, quote } = await next();
    const terminal = await decide(desk, id, "reject", pin);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.screen).toContain("Rejected. Nothing was booked.");
    const reply = await client.ok("approve", { approval_id: id, wait_s: 5 });
    expect(reply.string("status")).toBe("rejected");
    expect(reply.at("nothing_booked")).toBe(true);
    expect(dealsOf(desk, quote)).toBe(0);
  });

  const silences: readonly (readonly [string, string])[] = [
    ["another word", "yes\r"],
    ["Ctrl-C", "\u0003"],
    ["Enter", "\r"],
    ["end of input", "\u0004"],
  ];

  test.each(silences.slice(0, inLong ? 4 : 2))("%s leaves it open", async (_what, keys) => {
    verifies("approval.silence_is_no_answer");
    const { id } = await next();
    const terminal = at(desk, "approve", id);
    await terminal.see(prompt);
    terminal.press(keys);
    expect(await terminal.ended()).toBe(1);
    expect(terminal.screen).toContain("Left open. Nothing was decided.");
    expect(await statusOf(client, id)).toBe("pending");
  });

  test("what was decided is not decided again", async () => {
    verifies("promise.spent_once");
    const { id, quote } = await next();
    await decide(desk, id, "approve", pin);
    await client.ok("approve", { approval_id: id, wait_s: 40 });
    const again = at(desk, "approve", id);
    expect(await again.ended()).toBe(1);
    expect(again.screen).toMatch(
      /was approved by .+ \(terminal\) on .+ A decision counts once\. Nothing more was decided\./,
    );
    expect(again.screen).not.toContain("PIN");
    expect(dealsOf(desk, quote)).toBe(1);
  });

  test("an unknown id is said to be unknown", async () => {
    const terminal = at(desk, "approve", "ap_000000000000");
    expect(await terminal.ended()).toBe(1);
    expect(terminal.screen).toContain("unknown_approval: This desk holds no approval ap_000000000000.");
  });

  test("a pipe is no person: the terms are shown and nothing is decided", async () => {
    const { id } = await next();
    const { code, stdout, stderr } = await desk.run("approve", id);
    expect([code, stderr]).toEqual([1, ""]);
    expect(stdout).toContain("CTV Sports Live");
    expect(stdout).toContain("Only a person at a terminal can decide here, and this is a pipe. Nothing was decided.");
    expect(await statusOf(client, id)).toBe("pending");
    const setting = await desk.run("pin");
    expect([setting.code, setting.stdout]).toEqual([1, expect.stringContaining("Nothing was changed.")]);
  });

  test("a seller's words bring no terminal sequences to the screen", async () => {
    verifies("promise.sellers_words");
    desk.sandbox.fault("northbeam", "injected-text");
    const { id } = await next();
    desk.sandbox.clearFaults();
    const terminal = at(desk, "approve", id);
    await terminal.answer(prompt, "");
    await terminal.ended();
    const card = terminal.screen.slice(0, terminal.screen.indexOf("Committed today"));
    expect(card).toContain("CTV Sports Live");
    expect(card.replaceAll("\r\n", "\n")).not.toMatch(/(?!\n)\p{C}/u);
  });
});

describe.runIf(hasTerminal)("what the mandate gives the terminal", () => {
  test("nothing: approving there would not count, rejecting does", async () => {
    verifies("promise.channel_limits");
    const desk = await startDesk({ sandbox: { sellers: ["northbeam"] }, config: withoutTerminal });
    try {
      await givePin(desk);
      const client = await desk.connect();
      const { id, quote } = await waiting(client);
      const terminal = at(desk, "approve", id);
      await terminal.see("Approving here would not count: channels.terminal is not set");
      await terminal.answer(prompt, "approve");
      expect(await terminal.ended()).toBe(1);
      expect(await statusOf(client, id)).toBe("pending");
      expect((await decide(desk, id, "reject", pin)).screen).toContain("Rejected.");
      expect(dealsOf(desk, quote)).toBe(0);
    } finally {
      await desk.close();
    }
  });
});
