/**
 * One row of the requirements and the four fates a row can have. The seed files beside this one are
 * written with these four words; `../requirements.ts` puts the files together.
 */

/**
 * Where a requirement comes from: a source document of the project, or the project's own description ("card").
 * Seed 000 is the buyer guide overview, 001 seller agent integration, 002 data flow, 003 multi-seller discovery and
 * shopping, 004 the two AdCP storyboards (guaranteed with IO approval, non-guaranteed auction).
 */
export type Source = "seed 000" | "seed 001" | "seed 002" | "seed 003" | "seed 004" | "card";

/** What may be left for later, by name. A closed list, so that nothing new slips off the plan unnoticed. */
export type Later = "pacing and reallocation" | "ad-server side of creatives" | "linear TV" | "replicas";

/** What stands for a row: a test that cites it, the issue that will build it, a decision record, or "later". */
export type Fate =
  | { by: "test" }
  | { by: "issue"; issue: number }
  | { by: "design"; adr: string }
  | { by: "later"; what: Later };

export interface Requirement {
  /** Short, stable, dotted: `area.thing` or `area.thing.rule`. Tests cite it; it is never reused for something else. */
  id: string;
  source: Source;
  /** What this server does about it, in the project's own words. */
  behaviour: string;
  fulfilled: Fate;
}

/** A fate with its behaviour: what a seed file writes beside an id. */
export type Row = Pick<Requirement, "behaviour" | "fulfilled">;

/** Some test must cite this id with `verifies`. */
export function tested(behaviour: string): Row {
  return { behaviour, fulfilled: { by: "test" } };
}

/** The issue of this number builds it and then turns the row into `tested`. */
export function issue(number: number, behaviour: string): Row {
  return { behaviour, fulfilled: { by: "issue", issue: number } };
}

/** The source asks for something else; `docs/adr/` says what we do instead, and why. */
export function byDesign(adr: number, behaviour: string): Row {
  return { behaviour, fulfilled: { by: "design", adr: `ADR ${adr}` } };
}

/** Not in any open issue. */
export function later(what: Later, behaviour: string): Row {
  return { behaviour, fulfilled: { by: "later", what } };
}
