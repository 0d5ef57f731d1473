import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bookingDesk, kindsOf, operatorOf, sent, withMandate } from "../e2e/booking-fixtures.ts";
import type { Connection } from "../e2e/client.ts";
import { dealsOf, quoteFrom, type Ran, type TestDesk } from "../e2e/fixtures.ts";
import { few } from "../long.ts";
import { pin } from "../people.ts";
import { verifies } from "../requirements.ts";

// Each command is a process of its own.
vi.setConfig({ testTimeout: 60_000 });

/**
 * An assistant with a shell, which knows the commands and even the PIN: what it pipes, passes or puts into the environment
 * decides nothing, for only somebody at a terminal is asked. What a person at a terminal can do is in e2e/terminal.test.ts.
 */
let desk: TestDesk;
let model: Connection;
let quote: string;
let approvalId: string;
beforeAll(async () => {
  desk = await bookingDesk();
  const operator = operatorOf(desk);
  await operator.people.setPin("dana", pin).finally(() => operator.close());
  model = await desk.connect();
  quote = await quoteFrom(model, { impressions: 100_000 });
  const asked = await model.ok("create_media_buy", { lines: [{ quote_id: quote }] });
  approvalId = asked.string("approval", "approval_id");
});
afterAll(() => desk.close());

/** Runs a command with something on its stdin, and more in its environment. */
function piped(words: readonly string[], input: string, environment: Record<string, string> = {}): Promise<Ran> {
  const { command, args, env } = desk.start;
  const child = spawn(command, [...args, ...words], { env: { ...env, ...environment }, stdio: "pipe" });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString("utf8");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  // A command that never reads may be gone before all is written.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return new Promise((resolve) => child.once("close", (code) => resolve({ code: code ?? -1, stdout, stderr })));
}

async function nothingWasDecided(ran: Ran): Promise<void> {
  expect(ran.code, ran.stdout).not.toBe(0);
  const reply = await model.ok("approve", { approval_id: approvalId, wait_s: 0 });
  expect(reply.at("approval", "status"), reply.text).toBe("pending");
  expect(await kindsOf(desk, quote)).not.toContain("booking_started");
  expect(sent(desk, "deal")).toBe(0);
  expect(dealsOf(desk, quote)).toBe(0);
}

describe("answers that come through a pipe", () => {
  const inputs = [
    { name: "approve and the right PIN", input: `approve\n${pin}\n` },
    { name: "the same with the ends of lines of a terminal", input: `approve\r${pin}\r` },
    { name: "a hundred times over", input: `approve\n${pin}\n`.repeat(100) },
    { name: "nothing", input: "" },
  ];
  const usual = few(inputs, "approve and the right PIN", "the same with the ends of lines of a terminal");

  test.each(usual)("$name: the terms are shown, and nothing is decided", async ({ input }) => {
    verifies("ask.terminal");
    const ran = await piped(["approve", approvalId, "--as", "dana"], input);
    expect(ran.stdout).toContain("CTV Sports Live");
    expect(ran.stdout).toContain("Nothing was decided.");
    await nothingWasDecided(ran);
  });

  test("reject, policy, settle and a new PIN take no answer from a pipe either", async () => {
    const looser = join(desk.directory, "looser.json");
    const config: Record<string, unknown> = JSON.parse(readFileSync(join(desk.directory, "config.json"), "utf8"));
    writeFileSync(looser, JSON.stringify(withMandate({ max_cpm: "900.00 USD" })(config)));
    for (const words of [
      ["reject", approvalId, "--as", "dana"],
      ["settle", quote, "--not-booked", "--note", "n", "--as", "dana"],
      ["policy", "approve", "--as", "dana", "--config", looser],
      ["pin", "--as", "dana"],
      ["pin", "--as", "mallory"],
    ]) {
      const ran = await piped(words, `approve\n${pin}\n${pin}\nanother phrase 9\nanother phrase 9\n`);
      expect(`${ran.stdout}${ran.stderr}`, words.join(" ")).toMatch(/pipe|nothing to settle|Nothing/);
    }
    // The PIN is the one it was, and nobody new has one.
    const operator = operatorOf(desk);
    expect(await operator.people.isSet("mallory")).toBe(false);
    expect((await operator.policy()).inForce?.maxCpm.micros).toBe(60_000_000n);
    expect(await operator.people.sign("dana", pin, "text").finally(() => operator.close())).not.toBeNull();
    await nothingWasDecided({ code: 1, stdout: "", stderr: "" });
  });
});

describe("a PIN that is no answer of a person's", () => {
  const passed = [
    { name: "--pin", words: ["--pin", pin] },
    { name: "--pin=", words: [`--pin=${pin}`] },
    { name: "--yes", words: ["--yes"] },
    { name: "--force", words: ["--force"] },
    { name: "-y", words: ["-y"] },
    { name: "a word after the id", words: [pin] },
  ];

  test.each(few(passed, "--pin", "--yes", "a word after the id"))(
    "on the command line, as $name, is refused before anything is opened",
    async ({ words }) => {
      verifies("promise.no_approving_argument");
      const ran = await piped(["approve", approvalId, ...words], "approve\n");
      expect(ran.code).toBe(2);
      expect(ran.stdout).not.toContain("CTV Sports Live");
      await nothingWasDecided(ran);
    },
  );

  test("in the environment is not looked at", async () => {
    const named = ["PIN", "MEDIA_BUYER_PIN", "MEDIA_BUYER_APPROVE", "MEDIA_BUYER_AUTO_APPROVE", "MEDIA_BUYER_YES"];
    const ran = await piped(["approve", approvalId], "approve\n", {
      ...Object.fromEntries(named.map((name) => [name, pin])),
      TERM: "xterm",
      FORCE_TTY: "1",
      CI: "1",
    });
    await nothingWasDecided(ran);
  });
});
