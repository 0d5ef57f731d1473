import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { mainFile, startDesk, type TestDesk } from "./fixtures.ts";

describe("commands that cannot be understood", () => {
  let desk: TestDesk;
  beforeAll(async () => {
    desk = await startDesk({ sandbox: { sellers: ["northbeam"] } });
  });
  afterAll(() => desk.close());
  const written = (text: string) => {
    const file = join(desk.directory, "other.json");
    writeFileSync(file, text);
    return file;
  };

  test.each<[string, () => readonly string[], string]>([
    ["an unknown command", () => ["aprove", "ap_1"], 'There is no command "aprove".'],
    ["an unknown option", () => ["approve", "ap_1", "--yes"], "Unknown option '--yes'"],
    ["no id", () => ["approve"], "approve needs an id."],
    ["two ids", () => ["approve", "ap_1", "ap_2"], "approve takes one id."],
    [
      "a config file that is not there",
      () => ["pin", "--config", join(desk.directory, "none.json")],
      "there is no such file",
    ],
    ["a config that is no JSON", () => ["pin", "--config", written("{")], "not JSON"],
    ["a misspelt setting", () => ["pin", "--config", written('{"desk":"a","advertiser":"A","mandat":{}}')], '"mandat"'],
    ["two desks", () => ["pin", "--sandbox", "--config", "x.json"], "--sandbox and --config name two desks."],
    ["a data directory that cannot be", () => ["pending", "--data-dir", join(mainFile, "x")], "could not be made"],
  ])("%s: a clear word and exit code 2", async (_what, words, said) => {
    verifies("config.settings");
    const { code, stdout, stderr } = await desk.run(...words());
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(said);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test.each([
    [["--help"], "media-buyer-mcp approve <id>"],
    [["approve", "--help"], "media-buyer-mcp approve <approval_id>"],
    [["settle", "-h"], "--not-booked"],
    [["demo", "--help"], "a scripted person approves"],
    [["sandbox", "--help"], "sandbox reset"],
  ])("%j is answered on stdout", async (words, said) => {
    const { code, stdout, stderr } = await desk.run(...words);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(said);
  });
});
