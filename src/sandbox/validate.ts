import * as z from "zod";
import { type FieldError, unprocessable } from "./wire.ts";

/**
 * Request validation that answers like the real seller's (FastAPI over pydantic 2): 422, a list of field errors,
 * unknown fields dropped, absent optional fields read as null.
 */

/** An optional field: absent and null are the same, so that the body's hash does not tell them apart. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? null);
}

/** `{amount_micros: <integer>, currency}`; a float or a bare number does not pass. */
export const moneyField = z.object({
  amount_micros: z.number().int(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .default("USD"),
});

/** The identity a buyer may write into a body. It prices nothing; it only names the scope of idempotency keys. */
export const identityField = z.object({
  seat_id: optional(z.string()),
  seat_name: optional(z.string()),
  dsp_platform: optional(z.string()),
  agency_id: optional(z.string()),
  agency_name: optional(z.string()),
  agency_holding_company: optional(z.string()),
  advertiser_id: optional(z.string()),
  advertiser_name: optional(z.string()),
  advertiser_industry: optional(z.string()),
  campaign_id: optional(z.string()),
  campaign_name: optional(z.string()),
});

/** `YYYY-MM-DD`, a day that exists. Order and pastness are not looked at. */
export const dayField = z.iso.date();

/** An ISO date and time; one without a zone is read as UTC. */
export const instantField = z.string().refine((text) => !Number.isNaN(Date.parse(text)));

const typeWords: Readonly<Record<string, readonly [string, string]>> = {
  string: ["string_type", "Input should be a valid string"],
  number: ["float_type", "Input should be a valid number"],
  int: ["int_type", "Input should be a valid integer"],
  boolean: ["bool_type", "Input should be a valid boolean"],
  array: ["list_type", "Input should be a valid list"],
  object: ["model_attributes_type", "Input should be a valid dictionary or object to extract fields from"],
  record: ["dict_type", "Input should be a valid dictionary"],
};

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = Reflect.get(here, key);
  }
  return here;
}

function choice(values: readonly unknown[]): string {
  const quoted = values.map((value) => `'${String(value)}'`);
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

function described(issue: z.core.$ZodIssue, input: unknown): Pick<FieldError, "type" | "msg" | "ctx"> {
  switch (issue.code) {
    case "invalid_type": {
      const [type, msg] = typeWords[issue.expected] ?? ["value_error", "Value error, invalid input"];
      return { type, msg };
    }
    case "invalid_value": {
      const expected = choice(issue.values);
      return { type: "enum", msg: `Input should be ${expected}`, ctx: { expected } };
    }
    case "too_small": {
      if (issue.origin === "string") {
        const msg = `String should have at least ${issue.minimum} character`;
        return { type: "string_too_short", msg, ctx: { min_length: issue.minimum } };
      }
      if (issue.origin === "array") {
        const actual = Array.isArray(input) ? input.length : 0;
        const msg = `List should have at least ${issue.minimum} item after validation, not ${actual}`;
        return {
          type: "too_short",
          msg,
          ctx: { field_type: "List", min_length: issue.minimum, actual_length: actual },
        };
      }
      const msg = `Input should be greater than or equal to ${issue.minimum}`;
      return { type: "greater_than_equal", msg, ctx: { ge: issue.minimum } };
    }
    case "too_big":
      if (issue.origin === "string") {
        const msg = `String should have at most ${issue.maximum} characters`;
        return { type: "string_too_long", msg, ctx: { max_length: issue.maximum } };
      }
      return { type: "less_than_equal", msg: `Input should be less than or equal to ${issue.maximum}` };
    case "invalid_format":
      return { type: "string_pattern_mismatch", msg: `String should match the ${issue.format} pattern` };
    default:
      return { type: "value_error", msg: `Value error, ${issue.message}`, ctx: { error: {} } };
  }
}

function fieldError(issue: z.core.$ZodIssue, body: unknown, prefix: readonly (string | number)[]): FieldError {
  const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
  const loc = [...prefix, ...path];
  const input = valueAt(body, issue.path);
  if (input === undefined && path.length > 0) {
    return { type: "missing", loc, msg: "Field required", input: valueAt(body, issue.path.slice(0, -1)) };
  }
  return { ...described(issue, input), loc, input: input ?? null };
}

/** Field errors of a body under `loc` (`["body"]`, or deeper for one branch of a union); empty when it fits. */
export function fieldErrors(schema: z.ZodType, body: unknown, loc: readonly (string | number)[]): FieldError[] {
  const result = schema.safeParse(body);
  return result.success ? [] : result.error.issues.map((issue) => fieldError(issue, body, loc));
}

/** Parses a request body, or refuses with 422 and the field errors. */
export function parseBody<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  if (body === null) {
    throw unprocessable([{ type: "missing", loc: ["body"], msg: "Field required", input: null }]);
  }
  throw unprocessable(result.error.issues.map((issue) => fieldError(issue, body, ["body"])));
}
