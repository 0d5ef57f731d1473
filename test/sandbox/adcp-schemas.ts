import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2019, type AnySchemaObject, type ValidateFunction } from "ajv/dist/2019.js";
import { fullFormats } from "ajv-formats/dist/formats.js";

/** The official schemas of AdCP from a folder beside the repository, to check what the sandbox answers. */
export type AdcpVersion = "3.0" | "3.1";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const beside = join(repository, "..", "shared/wire/adcp-schemas/3.1.19");
const newest = process.env["ADCP_SCHEMAS"] ?? beside;
const folders: Readonly<Record<AdcpVersion, string>> = { "3.1": newest, "3.0": join(newest, "../3.0.26") };

/** Why nothing can be checked against a version here, or null where it can. */
export function whyNoSchemas(version: AdcpVersion): string | null {
  if (existsSync(join(folders[version], "core"))) return null;
  return `the AdCP ${version} schemas are not here; ADCP_SCHEMAS may name their folder`;
}

const places = ["media-buy", "account", "creative", "protocol", "core"];

function checker(version: AdcpVersion) {
  const folder = folders[version];
  const quick = { inlineRefs: false, code: { optimize: false } } as const;
  const ajv = new Ajv2019({ strict: false, validateSchema: false, logger: false, formats: fullFormats, ...quick });
  const compiled = new Map<string, ValidateFunction>();
  const load = (path: string): string => {
    const text = readFileSync(join(folder, path), "utf8");
    const schema: AnySchemaObject = JSON.parse(text);
    const id = String(schema.$id);
    if (ajv.schemas[id] || ajv.refs[id]) return id;
    ajv.addSchema(schema);
    for (const [, other = ""] of text.matchAll(/"\$ref":\s*"\/schemas\/[^/"]+\/([^"#]+)/g)) load(other);
    return id;
  };
  return (path: string): ValidateFunction => {
    const known = compiled.get(path) ?? ajv.compile({ $ref: load(path) });
    compiled.set(path, known);
    return known;
  };
}

const checkers = new Map<AdcpVersion, ReturnType<typeof checker>>();

/** What is wrong with a document by a schema file of the version (`core/error.json`), one line each. */
export function documentErrors(version: AdcpVersion, path: string, value: unknown): readonly string[] {
  const make = checkers.get(version) ?? checker(version);
  checkers.set(version, make);
  const check = make(path);
  if (check(value)) return [];
  return [...new Set((check.errors ?? []).map(({ instancePath, message }) => `${instancePath || "/"} ${message}`))];
}

/** What is wrong with the arguments or the answer of a task. */
export function taskErrors(
  version: AdcpVersion,
  task: string,
  side: "request" | "response",
  value: unknown,
): readonly string[] {
  const stem = task.startsWith("tasks") ? "tasks-get" : task.replaceAll("_", "-");
  const path = places
    .map((place) => `${place}/${stem}-${side}.json`)
    .find((one) => existsSync(join(folders[version], one)));
  if (!path) throw new Error(`AdCP has no schema of the ${side} of ${task}`);
  return documentErrors(version, path, value);
}
