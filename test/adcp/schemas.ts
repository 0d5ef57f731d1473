import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2019, type AnySchemaObject, type ValidateFunction } from "ajv/dist/2019.js";
import { fullFormats } from "ajv-formats/dist/formats.js";

/**
 * The official JSON schemas of AdCP, for tests: 3.0 as the `@adcp/sdk` package carries them (3.0.6), 3.1.19 from a folder
 * beside the repository where there is one. The unbundled files are used: they compile ten times faster than the bundled.
 */
export type AdcpVersion = "3.0" | "3.1";

const sdk = dirname(createRequire(import.meta.url).resolve("@adcp/sdk"));
const beside = fileURLToPath(new URL("../../../shared/wire/adcp-schemas/3.1.19", import.meta.url));
const folders: Readonly<Record<AdcpVersion, string>> = {
  "3.0": join(sdk, "schemas-data/3.0"),
  "3.1": process.env["ADCP_SCHEMAS"] ?? beside,
};

/** Why nothing can be checked against a version here, or null where it can. */
export function whyNoSchemas(version: AdcpVersion): string | null {
  if (existsSync(join(folders[version], "core"))) return null;
  return `the AdCP ${version} schemas are not here; ADCP_SCHEMAS may name their folder`;
}

/** Where the schema of a task may be, the first that exists; two names of polling are no file's name. */
const places = ["media-buy", "account", "creative", "protocol", "governance", "core", "signals"] as const;
const polling: Readonly<Record<string, string>> = { tasks_get: "core/tasks-get", "tasks/get": "core/tasks-get" };

class Schemas {
  readonly #folder: string;
  // Neither inlining nor a second pass over the generated code: both cost more than a test's few checks win.
  readonly #ajv = new Ajv2019({
    ...{ strict: false, validateSchema: false, logger: false, formats: fullFormats },
    ...{ inlineRefs: false, code: { optimize: false } },
  });
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(version: AdcpVersion) {
    const why = whyNoSchemas(version);
    if (why) throw new Error(why);
    this.#folder = folders[version];
  }

  /** @param path a file of the edition, `core/error.json` */
  errors(path: string, value: unknown): readonly string[] {
    const check = this.#check(path);
    if (check(value)) return [];
    const said = (check.errors ?? []).map(({ instancePath, message, params }) => {
      const name = params["unevaluatedProperty"] ?? params["additionalProperty"];
      return `${instancePath || "/"} ${message}${name === undefined ? "" : `: ${name}`}`;
    });
    return [...new Set(said)];
  }

  /** Where the schema of a task is. */
  pathOf(task: string, side: "request" | "response"): string {
    const stem = polling[task];
    const paths = stem ? [stem] : places.map((place) => `${place}/${task.replaceAll("_", "-")}`);
    const path = paths.map((one) => `${one}-${side}.json`).find((one) => existsSync(join(this.#folder, one)));
    if (!path) throw new Error(`AdCP has no schema of the ${side} of ${task} here`);
    return path;
  }

  #check(path: string): ValidateFunction {
    const known = this.#compiled.get(path);
    if (known) return known;
    const check = this.#ajv.compile({ $ref: this.#load(path) });
    this.#compiled.set(path, check);
    return check;
  }

  /** Adds a file and all that it refers to. @returns its id */
  #load(path: string): string {
    const text = readFileSync(join(this.#folder, path), "utf8");
    const schema: AnySchemaObject = JSON.parse(text);
    const id = String(schema.$id);
    if (this.#ajv.schemas[id] || this.#ajv.refs[id]) return id;
    this.#ajv.addSchema(closed(path, schema));
    for (const [, other = ""] of text.matchAll(/"\$ref":\s*"\/schemas\/[^/"]+\/([^"#]+)/g)) this.#load(other);
    return id;
  }
}

/**
 * The schemas allow any further member nearly everywhere. What we ask, we wrote: a member at the top of a request or of a
 * package that no schema names is a mistake of ours (or a name of AdCP 2.5), and strict sellers refuse it. Polling is left
 * open: sellers made with the SDK look a task up by `account`, which the schema of 3.0 does not name.
 */
function closed(path: string, schema: AnySchemaObject): AnySchemaObject {
  if (!/-request\.json$|package-update\.json$|version-envelope\.json$/.test(path) || /tasks?-/.test(path))
    return schema;
  const { additionalProperties, ...rest } = schema;
  return path.endsWith("version-envelope.json") ? rest : { ...rest, unevaluatedProperties: false };
}

const opened = new Map<AdcpVersion, Schemas>();

function schemasOf(version: AdcpVersion): Schemas {
  const made = opened.get(version) ?? new Schemas(version);
  opened.set(version, made);
  return made;
}

/**
 * What is wrong with the arguments of a task that we are to send, one line each; nothing when they are right. Members that
 * no schema names are wrong. Compiles on first use. Throws where there are no schemas ({@link whyNoSchemas}).
 * @param task as on the wire, `create_media_buy`
 */
export function requestErrors(version: AdcpVersion, task: string, args: unknown): readonly string[] {
  const schemas = schemasOf(version);
  return schemas.errors(schemas.pathOf(task, "request"), args);
}

/** What is wrong with a seller's answer, its envelope included; as {@link requestErrors}, further members allowed. */
export function responseErrors(version: AdcpVersion, task: string, answer: unknown): readonly string[] {
  const schemas = schemasOf(version);
  return schemas.errors(schemas.pathOf(task, "response"), answer);
}

/** What is wrong with a document by a schema file of the version (`core/mcp-webhook-payload.json`), as {@link responseErrors}. */
export function documentErrors(version: AdcpVersion, path: string, value: unknown): readonly string[] {
  return schemasOf(version).errors(path, value);
}
