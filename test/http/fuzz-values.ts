import type { Random } from "../simulation/random.ts";

/** A JSON schema, as far as values are drawn from one here. */
export interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

/** Words by the name of their field, so that many calls get past the first check. */
export type Words = Readonly<Record<string, readonly unknown[]>>;

/** A value that a schema admits, or nearly. */
export function drawn(random: Random, schema: Schema, words: Words, name = ""): unknown {
  const known = words[name];
  if (known && random.chance(0.8)) return random.pick(known);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return random.pick(schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return drawn(random, random.pick(choices), words, name);
  switch (schema.type) {
    case "object": {
      const required = schema.required ?? [];
      const entries = Object.entries(schema.properties ?? {})
        .filter(([key]) => required.includes(key) || random.chance(0.4))
        .map(([key, one]) => [key, drawn(random, one, words, key)]);
      return Object.fromEntries(entries);
    }
    case "array":
      return Array.from({ length: random.between(0, 3) }, () => drawn(random, schema.items ?? {}, words, name));
    case "integer":
    case "number":
      return random.pick([0, 1, 2, 5, 50, 1_000, 1_000_000]);
    case "boolean":
      return random.chance(0.5);
    default:
      return random.pick(["a", "northbeam", "5.00 USD", "2030-01-01", "x".repeat(50)]);
  }
}

const nested = (levels: number): unknown => {
  let value: unknown = 1;
  for (let n = 0; n < levels; n += 1) value = n % 2 ? [value] : { a: value };
  return value;
};

/** Values nobody expects. What JSON cannot say is written by {@link textOf}. */
const odd: readonly ((random: Random) => unknown)[] = [
  () => null,
  () => "",
  () => -1,
  () => 0.1,
  () => Number.MAX_SAFE_INTEGER + 2,
  () => -1e308,
  () => true,
  () => [],
  () => ({}),
  () => "northbeam/%00",
  () => "northbeam/../../etc/passwd",
  () => "//",
  () => "buyer://quote/%E0%A4%A/x",
  () => "\u0000\ud800\u202e\ufeff",
  () => "constructor",
  () => "__proto__",
  () => "a".repeat(5_000),
  () => "' or 1=1 --",
  () => "{{7*7}}<script>",
  () => "\r\nx-injected: 1\r\n\r\n",
  () => "99999999999999999999999999.99 USD",
  () => "NaN USD",
  () => "2026-02-31",
  (random) => nested(random.between(3, 80)),
  (random) => Array.from({ length: random.between(30, 400) }, (_one, n) => n),
  () => JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}},"toString":1}'),
];

/** The value with something in it changed for what nobody expects, added or taken away. */
export function mutated(random: Random, value: unknown): unknown {
  if (typeof value !== "object" || value === null || random.chance(0.15)) return random.pick(odd)(random);
  if (Array.isArray(value)) {
    if (value.length === 0 || random.chance(0.3)) return [...value, random.pick(odd)(random)];
    const at = random.between(0, value.length - 1);
    return value.map((one: unknown, n) => (n === at ? mutated(random, one) : one));
  }
  const entries: (readonly [string, unknown])[] = Object.entries(value);
  if (entries.length === 0 || random.chance(0.2)) {
    const key = random.pick(["__proto__", "constructor", "toString", "extra", "", "a b"]);
    return Object.fromEntries([...entries, [key, random.pick(odd)(random)]]);
  }
  const at = random.between(0, entries.length - 1);
  if (random.chance(0.2)) return Object.fromEntries(entries.filter((_entry, n) => n !== at));
  return Object.fromEntries(entries.map(([key, one], n) => [key, n === at ? mutated(random, one) : one]));
}

/** JSON of the value, at times as no serializer would write it. */
export function textOf(random: Random, value: unknown): Buffer {
  const text = JSON.stringify(value);
  if (random.chance(0.85)) return Buffer.from(text);
  const at = random.between(0, Math.max(0, text.length - 1));
  const cut = (given: string) => text.slice(0, at) + given + text.slice(at);
  switch (random.between(0, 7)) {
    case 0:
      return Buffer.from(text.slice(0, at));
    case 1:
      return Buffer.concat([
        Buffer.from(text.slice(0, at)),
        Buffer.from([0xff, 0xc0, 0xaf]),
        Buffer.from(text.slice(at)),
      ]);
    case 2:
      return Buffer.from(`${"[".repeat(3_000)}${text}`);
    case 3:
      return Buffer.from(`[${text},${text}]`);
    case 4:
      return Buffer.from(cut("1e999999"));
    case 5:
      return Buffer.from(`{"__proto__":${text},"jsonrpc":"2.0"}`);
    case 6:
      return Buffer.from(`\ufeff${text}`);
    default: {
      const bytes = Buffer.from(text);
      bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
      return bytes;
    }
  }
}
