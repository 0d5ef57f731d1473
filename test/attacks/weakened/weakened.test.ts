import { describe, expect, test } from "vitest";
import { type Case, edited, type Outcome, outcomeOf, runIn, weakenedFiles } from "./copy.ts";
import { quick, races, replays, selfApprovals, type Weakness } from "./weakness.ts";
import { planners } from "./weakness-planner.ts";
import { distrusts } from "./weakness-trust.ts";

/** A copy is made, built and tried in seconds; a machine that does much else takes longer. */
const mostMs = 150_000;
/** They take turns, and some wait for others first. */
const timeout = 3 * mostMs;

/** What a weakened copy must come to: each case fails, by the assertion that is meant. */
async function isCaught({ edits, caughtBy }: Weakness): Promise<void> {
  const outcomes = await runIn(edits, caughtBy, mostMs);
  for (const [index, { name, says }] of caughtBy.entries()) {
    const outcome = outcomes[index];
    expect(outcome?.kind, `${name}: ${told(outcome)}`).toBe("broken");
    expect(told(outcome), name).toMatch(says);
  }
}

/** The control: on the code as it is, copied and run the same way, the same cases pass. */
async function allPass(cases: readonly Case[]): Promise<void> {
  const once = [...new Map(cases.map((one) => [`${one.file} ${one.name}`, one])).values()];
  const outcomes = await runIn([], once, mostMs);
  for (const [index, { name }] of once.entries())
    expect(outcomes[index]?.kind, `${name}: ${told(outcomes[index])}`).toBe("passed");
}

function told(outcome: Outcome | undefined): string {
  return outcome && "why" in outcome ? outcome.why : "nothing was wrong";
}

test("every weakness fits the source as it is now", () => {
  for (const { name, edits } of [quick, ...selfApprovals, ...replays, ...races, ...distrusts, ...planners])
    expect(weakenedFiles(edits).size, name).toBeGreaterThan(0);
});

describe.runIf(process.env["LONG"] === "1")("the attack suite can fail", () => {
  test.concurrent(`caught is a server that ${quick.name}`, { timeout }, () => isCaught(quick));

  test.concurrent("on the code as it is, each case that must catch something passes", { timeout }, () =>
    allPass(
      [quick, ...selfApprovals, ...replays, ...races, ...distrusts, ...planners].flatMap(({ caughtBy }) => caughtBy),
    ),
  );

  describe("self-approval: caught is a server that", () => all(selfApprovals));
  describe("replay: caught is a server that", () => all(replays));
  describe("race: caught is a server that", () => all(races));
  describe("trust: caught is a server that", () => all(distrusts));
  describe("planner: caught is a server that", () => all(planners));
});

function all(weaknesses: readonly Weakness[]): void {
  for (const weakness of weaknesses) test.concurrent(weakness.name, { timeout }, () => isCaught(weakness));
}

describe("the weakening can fail", () => {
  const edit = { file: "src/a.ts", take: "check(it);", give: "" };

  test("where the code to be taken away is gone, or there twice", () => {
    expect(edited("one(); check(it); two();", edit)).toBe("one();  two();");
    expect(() => edited("one(); two();", edit)).toThrow("src/a.ts holds this 0 times instead of once");
    expect(() => edited("check(it); check(it);", edit)).toThrow("src/a.ts holds this 2 times instead of once");
  });

  test("and only an assertion that does not hold, in the very case, is a catch", () => {
    const one = { file: "test/a.test.ts", name: "group case" };
    const report = (status: string, failureMessages: readonly string[], message = "", fullName = one.name) => ({
      testResults: [
        { name: `/anywhere/${one.file}`, message, assertionResults: [{ fullName, status, failureMessages }] },
      ],
    });
    const kindOf = (what: unknown) => outcomeOf(one, what, "said").kind;
    expect(kindOf(report("passed", []))).toBe("passed");
    expect(kindOf(report("failed", ["AssertionError: expected 1 to be +0\n    at a.test.ts:1:1"]))).toBe("broken");
    expect(kindOf(report("failed", ["Error: Test timed out in 20000ms."]))).toBe("error");
    expect(kindOf(report("failed", ["AssertionError: expected", "Error: it would not close"]))).toBe("error");
    expect(kindOf(report("failed", []))).toBe("error");
    expect(kindOf(report("skipped", [], "beforeAll failed"))).toBe("error");
    expect(kindOf(report("failed", ["AssertionError: expected"], "", "group other case"))).toBe("error");
    expect(outcomeOf(one, null, "the build failed")).toEqual({
      kind: "error",
      why: "there is no report; the run said:\nthe build failed",
    });
  });
});
