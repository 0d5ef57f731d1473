/**
 * What the project was asked for: every named call, field, state, default, setting and rule of its sources, and what
 * stands for each. A test cites the rows it proves with {@link verifies}; `requirements.test.ts` fails on a row that
 * nobody cites and nobody defers. It grows with each issue: a row moves from `issue(n)` to `tested`.
 */
import { card } from "./requirements/card.ts";
import type { Requirement, Row, Source } from "./requirements/row.ts";
import { seed000 } from "./requirements/seed-000.ts";
import { seed001 } from "./requirements/seed-001.ts";
import { seed002 } from "./requirements/seed-002.ts";
import { seed003Buying } from "./requirements/seed-003-buying.ts";
import { seed003Discovery } from "./requirements/seed-003-discovery.ts";
import { seed004 } from "./requirements/seed-004.ts";

export type { Fate, Later, Requirement, Source } from "./requirements/row.ts";

/** Every id there is: a misspelt one in `verifies` does not compile. */
export type RequirementId =
  | keyof typeof seed000
  | keyof typeof seed001
  | keyof typeof seed002
  | keyof typeof seed003Discovery
  | keyof typeof seed003Buying
  | keyof typeof seed004
  | keyof typeof card;

/** All rows, in the order of their sources. An id written in two files appears twice here; the test refuses that. */
export const requirements: readonly Requirement[] = [
  ...from("seed 000", seed000),
  ...from("seed 001", seed001),
  ...from("seed 002", seed002),
  ...from("seed 003", seed003Discovery),
  ...from("seed 003", seed003Buying),
  ...from("seed 004", seed004),
  ...from("card", card),
];

/** The issue now being built. Raise it with each issue: rows still deferred to an earlier one then fail. */
export const issueUnderWay = 7;

const known = new Set(requirements.map((requirement) => requirement.id));

/**
 * Says, as a statement of its own in a test, which rows the test proves. What counts is the source text: the checking
 * test reads every test file, so ids must be written out as string literals. At run time it only refuses unknown ids.
 */
export function verifies(...ids: RequirementId[]): void {
  for (const id of ids) {
    if (!known.has(id)) throw new Error(`No requirement is called "${id}": see test/requirements/.`);
  }
}

function from(source: Source, rows: Record<string, Row>): Requirement[] {
  return Object.entries(rows).map(([id, row]) => ({ id, source, ...row }));
}
