import type { Behaviour } from "./behaviour.ts";
import { dialects, wireName } from "./dialect.ts";

/** What is wrong with an answer beside what it says. */

const amounts = new Set([
  "baseprice",
  "minspend",
  "price",
  "rate",
  "qty",
  "cost",
  "spend",
  "impressions",
  "availability",
]);

function carelessly(name: string, value: unknown): unknown {
  if (typeof value === "number" && amounts.has(name)) return String(value);
  if (typeof value !== "string") return value;
  // Naive for a start, a blank behind an end: OpenDirect 2.1 has both in its examples.
  if (name === "startdate" || name === "reservedexpirydate") return value.replace(/Z$/, "");
  return name === "enddate" ? `${value} ` : value;
}

/** An answer, under the names of 2.1, with its amounts as text and its moments as careless servers write them. */
export function careless(behaviour: Behaviour, value: unknown): unknown {
  if (!behaviour.careless) return value;
  if (Array.isArray(value)) return value.map((item) => careless(behaviour, item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, careless(behaviour, carelessly(name, item))]),
  );
}

/** The other spelling of a name, under which the stale value stands. */
function otherSpelling(behaviour: Behaviour, name: string): string {
  const other = dialects.find((dialect) => dialect !== behaviour.dialect) ?? "lower";
  return wireName(other, name);
}

/**
 * An answer in which, when the seller collides, every line has two statuses and two costs: a server that stores what it
 * was sent beside what it knows does that.
 */
export function collided(behaviour: Behaviour, value: unknown): unknown {
  if (!behaviour.collide) return value;
  if (Array.isArray(value)) return value.map((item) => collided(behaviour, item));
  if (typeof value !== "object" || value === null) return value;
  const inner = Object.entries(value).map(([name, item]) => [name, collided(behaviour, item)]);
  const copy: Record<string, unknown> = Object.fromEntries(inner);
  if (!(wireName(behaviour.dialect, "bookingstatus") in copy)) return copy;
  const stale = { [otherSpelling(behaviour, "bookingstatus")]: "Draft", [otherSpelling(behaviour, "cost")]: 1 };
  return { ...copy, ...stale };
}
