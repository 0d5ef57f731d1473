import process from "node:process";

/** Whether the long form runs: `npm run test:long`, which CI runs too. */
export const inLong = process.env["LONG"] === "1";

/** Every nth of places that all show one thing, and all of them in the long form. */
export function everyNth<Place>(places: readonly Place[], n: number): readonly Place[] {
  return inLong ? places : places.filter((_, index) => index % n === 0);
}

/** How often something random is tried: often in the long form. */
export function tries(inEveryRun: number, inLongForm: number): number {
  return inLong ? inLongForm : inEveryRun;
}

/**
 * Rows of a table that all show one thing in other places: every one in the long form, the named ones in every run. A name
 * that no row has is a slip, and throws.
 */
export function few<Row extends { readonly name: string }>(
  rows: readonly Row[],
  ...names: readonly string[]
): readonly Row[] {
  const missing = names.filter((name) => !rows.some((row) => row.name === name));
  if (missing.length > 0) throw new Error(`no row is named ${missing.join(", ")}`);
  return inLong ? rows : rows.filter(({ name }) => names.includes(name));
}
