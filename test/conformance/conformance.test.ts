import { readFileSync } from "node:fs";
import process from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSandboxDesk } from "../e2e/fixtures.ts";
import { verifies } from "../requirements.ts";
import { type Served, serve, withFixtures } from "./serve.ts";
import {
  type Revision,
  type Run,
  requiredScenarios,
  runSuite,
  scenariosIn,
  shortcomings,
  suiteVersion,
} from "./suite.ts";

/** How many scenarios each revision's frozen set requires, so that a smaller set does not pass for the whole. */
const required: Readonly<Record<Revision, number>> = { "2025-11-25": 30, "2026-07-28": 37 };
const revisions = ["2025-11-25", "2026-07-28"] as const;

/** Both revisions at once: the suite mostly waits. */
async function runBoth(url: string): Promise<Readonly<Record<Revision, Run>>> {
  const [older, newer] = await Promise.all(revisions.map((revision) => runSuite(url, revision)));
  if (!older || !newer) throw new Error("a revision was not run");
  return { "2025-11-25": older, "2026-07-28": newer };
}

describe("the official conformance suite, over our HTTP stack", () => {
  let server: Served | undefined;
  let runs: Readonly<Record<Revision, Run>>;
  beforeAll(async () => {
    server = await serve(withFixtures());
    runs = await runBoth(server.url);
  }, 120_000);
  afterAll(() => server?.close());

  test.each(revisions)("every required scenario of %s passes, without a warning", (revision) => {
    verifies("server.conformance");
    const { exitCode, scenarios, printed } = runs[revision];
    const names = requiredScenarios(revision);
    expect(new Set(names).size).toBe(required[revision]);
    expect(names.flatMap((name) => shortcomings(name, scenarios.get(name)))).toEqual([]);
    expect(exitCode, printed).toBe(0);
  });

  test("what the suite runs without requiring it passes too, as far as it is no extension", () => {
    const also: Readonly<Record<Revision, readonly string[]>> = {
      "2025-11-25": ["server-session-lifecycle", "json-schema-2020-12"],
      "2026-07-28": ["json-schema-2020-12", "http-header-validation", "http-custom-header-server-validation"],
    };
    for (const revision of revisions)
      expect(also[revision].flatMap((name) => shortcomings(name, runs[revision].scenarios.get(name)))).toEqual([]);
  });

  test("no request of the suite was a fault of ours", () => {
    expect(server?.log.filter((line) => line.startsWith("http failed"))).toEqual([]);
  });

  test("it is the version that the manifest pins, and docs/architecture.md says what passed", () => {
    const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(manifest).toMatchObject({ devDependencies: { "@modelcontextprotocol/conformance": suiteVersion() } });
    const page = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8").replace(/\s+/g, " ");
    expect(page).toContain(`(\`@modelcontextprotocol/conformance\` ${suiteVersion()})`);
    const [older, newer] = revisions.map((revision) => requiredScenarios(revision).length);
    expect(page).toContain(
      `${older} of ${older} required scenarios of 2025-11-25 and ${newer} of ${newer} of 2026-07-28 pass`,
    );
  });
});

describe.runIf(process.env["LONG"] === "1")("the product as it ships, without fixtures", () => {
  /** What is required and looks for nothing by name. */
  const without: Readonly<Record<Revision, readonly string[]>> = {
    "2025-11-25": [
      "server-initialize",
      "ping",
      "tools-list",
      "server-sse-multiple-streams",
      "resources-list",
      "resources-subscribe",
      "resources-unsubscribe",
      "prompts-list",
      "dns-rebinding-protection",
    ],
    "2026-07-28": [
      "tools-list",
      "server-sse-multiple-streams",
      "resources-list",
      "sep-2164-resource-not-found",
      "prompts-list",
      "dns-rebinding-protection",
      "input-required-result-unsupported-methods",
    ],
  };

  test("it passes every scenario that needs none of them", { timeout: 120_000 }, async () => {
    const desk = startSandboxDesk();
    try {
      const server = await desk.spawnHttp();
      const runs = await runBoth(server.url.href);
      const of = (revision: Revision, name: string) => shortcomings(name, runs[revision].scenarios.get(name));
      for (const revision of revisions) {
        expect(requiredScenarios(revision)).toEqual(expect.arrayContaining([...without[revision]]));
        expect(without[revision].flatMap((name) => of(revision, name))).toEqual([]);
      }
      // Most of what it checks is about no tool in particular.
      const failed = of("2026-07-28", "server-stateless").filter((line) => line.includes(" FAILURE "));
      expect(failed.filter((line) => !line.includes("server does not list the diagnostic tool"))).toEqual([]);
      expect(server.log()).not.toContain("http failed");
    } finally {
      await desk.close();
    }
  });
});

describe("this reading of the suite can fail", () => {
  const one = (status: string, id = "some-check") => ({ id, status, errorMessage: "why" });

  test("a scenario passes when something was checked and all of it holds", () => {
    expect(shortcomings("ping", [one("SUCCESS"), one("INFO"), one("SUCCESS", "wire-schema-valid")])).toEqual([]);
  });

  test("a failed, warned or skipped check, a missing scenario and an empty one are named", () => {
    expect(shortcomings("ping", [one("SUCCESS"), one("FAILURE")])).toEqual(["ping: FAILURE some-check: why"]);
    expect(shortcomings("ping", [one("SUCCESS"), one("WARNING")])).toEqual(["ping: WARNING some-check: why"]);
    expect(shortcomings("ping", [one("SUCCESS"), one("SKIPPED")])).toEqual(["ping: SKIPPED some-check: why"]);
    expect(shortcomings("ping", undefined)).toEqual(["ping: was not run"]);
    expect(shortcomings("ping", [])).toEqual(["ping: nothing was checked"]);
    expect(shortcomings("ping", [one("SUCCESS", "wire-schema-valid")])).toEqual(["ping: nothing was checked"]);
  });

  test("only the list for servers is read from a requirement set", () => {
    expect(scenariosIn("# x\nserver:\n  - ping\n  - tools-list\n\nclient:\n  - initialize\n")).toEqual([
      "ping",
      "tools-list",
    ]);
    expect(scenariosIn("client:\n  - initialize\n")).toEqual([]);
  });
});
