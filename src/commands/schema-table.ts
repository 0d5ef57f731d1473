import * as z from "zod";

/** One key of a schema as a page shows it. Defaults are JSON; null where there is none. */
export interface SchemaRow {
  /** Dotted path: `items[].flight.start` inside a list, `credentials.<name>` inside a map. */
  readonly key: string;
  readonly type: string;
  readonly required: boolean;
  readonly default: string | null;
  /** The schema's own words; empty where it has none. */
  readonly meaning: string;
}

type Node = z.core.JSONSchema.JSONSchema;

/**
 * Every key of a zod object, parents before their parts, in the order they are written.
 * @param io the side of a transform to show: what is written, or what comes out
 */
export function schemaRows(schema: z.ZodType, io: "input" | "output"): readonly SchemaRow[] {
  return rowsOf(z.toJSONSchema(schema, { io, reused: "inline" }), "");
}

function rowsOf(node: Node, prefix: string): readonly SchemaRow[] {
  const required = node.required ?? [];
  return Object.entries(node.properties ?? {}).flatMap(([name, given]) => {
    const child = asNode(given);
    const key = `${prefix}${name}`;
    const row = {
      key,
      type: typeOf(child),
      required: required.includes(name),
      default: defaultOf(child),
      meaning: child.description ?? "",
    };
    return [row, ...partsOf(child, key)];
  });
}

function partsOf(node: Node, key: string): readonly SchemaRow[] {
  const here = withoutNull(node);
  if (here.type === "array") return partsOf(asNode(here.items), `${key}[]`);
  const inner = asNode(here.additionalProperties);
  if (inner.properties) return rowsOf(inner, `${key}.<${namesOf(here)}>.`);
  return rowsOf(here, `${key}.`);
}

/** What may be written there, in words of JSON: `one of …`, `list of text`, `whole number, 1 to 20`. */
function typeOf(given: Node): string {
  const node = withoutNull(given);
  if (node !== given) return `${typeOf(node)} or null`;
  if (node.const !== undefined) return `always ${JSON.stringify(node.const)}`;
  if (node.enum) return `one of ${node.enum.map((word) => `\`${String(word)}\``).join(", ")}`;
  switch (node.type) {
    case "array":
      return `list of ${typeOf(asNode(node.items))}${range(node.minItems, node.maxItems)}`;
    case "string":
      return node.format === "uri" ? "address" : "text";
    case "integer":
      return `whole number${range(node.minimum, node.maximum)}`;
    case "number":
      return `number${range(node.minimum, node.maximum)}`;
    case "boolean":
      return "true or false";
    case "object":
      return "object";
    default:
      return "anything";
  }
}

function range(from: number | undefined, to: number | undefined): string {
  const most = to === Number.MAX_SAFE_INTEGER ? undefined : to;
  if (from !== undefined && from !== Number.MIN_SAFE_INTEGER) {
    return most === undefined ? `, at least ${from}` : `, ${from} to ${most}`;
  }
  return most === undefined ? "" : `, at most ${most}`;
}

/** A default worth showing: that of a whole object says nothing its parts do not. */
function defaultOf({ default: value }: Node): string | null {
  if (value === undefined || (typeof value === "object" && value !== null && !Array.isArray(value))) return null;
  return JSON.stringify(value);
}

function namesOf(node: Node): string {
  const names = asNode(node.propertyNames).enum;
  return names ? names.map(String).join("/") : "name";
}

function withoutNull(node: Node): Node {
  const [only, ...more] = (node.anyOf ?? []).filter((one) => one.type !== "null");
  return only && more.length === 0 ? only : node;
}

/** A part of a schema as an object; JSON Schema also allows true, false and, for tuples, a list. */
function asNode(given: Node | boolean | (Node | boolean)[] | undefined): Node {
  return typeof given === "object" && !Array.isArray(given) ? given : {};
}
