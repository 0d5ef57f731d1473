/** The rules of the house (docs/architecture.md), as checks over source files. Each returns one line for each breach. */
import { codeOf, importsOf, type Source, targetOf, undocumented } from "./source.ts";

/** Files `path` matches by folder (`domain/`) or by name; `*` ends a name that goes on. */
type Place = string;

interface Layer {
  readonly where: Place;
  /** What it may import, its own folder apart. */
  readonly may: readonly Place[];
  /** What it may import with `import type` only. */
  readonly types?: readonly Place[];
}

/** What the verbs know of sellers and the ledger; everything else in those folders is an implementation. */
const ports: readonly Place[] = [
  "sellers/seller.ts",
  "sellers/records.ts",
  "ledger/ledger.ts",
  "ledger/entries.ts",
  "ledger/cache.ts",
];

export const layers: readonly Layer[] = [
  { where: "domain/", may: [] },
  { where: "ledger/", may: ["domain/"] },
  { where: "sellers/", may: ["domain/"], types: ["ledger/cache.ts"] },
  { where: "strategies/", may: ["domain/"] },
  { where: "buying/", may: ["domain/", ...ports] },
  { where: "planner/", may: ["domain/", "prompts.ts", "version.ts"], types: ["desk.ts", "buying/"] },
  { where: "card/", may: ["domain/"] },
  { where: "documents/", may: ["domain/", "card/html.ts", "card/words.ts"] },
  { where: "tools/", may: ["domain/", "card/", "documents/"], types: ["desk.ts", "buying/", ...ports] },
  { where: "people/", may: ["domain/", "ledger/ledger.ts"], types: ["ledger/entries.ts"] },
  { where: "page/", may: ["domain/", "people/", "card/"] },
  {
    where: "audit/",
    may: [
      "domain/",
      ...["ledger/ledger.ts", "ledger/entries.ts", "ledger/rows.ts", "ledger/verify.ts"],
      ...["card/html.ts", "card/words.ts", "tools/describe-entry.ts"],
    ],
  },
  { where: "config.ts", may: ["domain/", "config-*"] },
  { where: "config-sellers.ts", may: ["domain/", "config-adcp.ts", "config-credentials.ts"] },
  { where: "config-environment.ts", may: ["config-sellers.ts"], types: ["config-credentials.ts"] },
  { where: "config-adcp.ts", may: ["config-credentials.ts"] },
  { where: "config-credentials.ts", may: ["domain/"] },
  { where: "config-mandate.ts", may: ["domain/"] },
  { where: "config-registries.ts", may: ["domain/", "config-credentials.ts"] },
  { where: "config-http.ts", may: ["domain/"] },
  { where: "config-planner.ts", may: ["domain/", "config-credentials.ts", "config-http.ts"] },
  { where: "files.ts", may: [] },
  { where: "version.ts", may: [] },
  {
    where: "desk.ts",
    may: [
      "domain/",
      "buying/",
      "sellers/",
      "strategies/",
      "ledger/",
      "people/",
      "page/",
      "planner/verbs.ts",
      "desk-page.ts",
      "desk-planner.ts",
      "desk-sellers.ts",
      "desk-settings.ts",
      "files.ts",
    ],
    types: ["config.ts"],
  },
  {
    where: "desk-sellers.ts",
    may: ["domain/", "sellers/"],
    types: ["config.ts", "ledger/cache.ts", "ledger/ledger.ts"],
  },
  {
    where: "desk-planner.ts",
    may: ["domain/", "planner/", "server.ts"],
    types: ["desk.ts", "config-planner.ts", "buying/specialist.ts"],
  },
  { where: "desk-sandbox.ts", may: ["domain/", "sandbox/daemon.ts"], types: ["config.ts"] },
  { where: "desk-settings.ts", may: ["domain/"], types: ["buying/ports.ts", "config.ts"] },
  { where: "desk-page.ts", may: ["domain/", "buying/", "people/"], types: ["page/", "files.ts"] },
  { where: "prompts.ts", may: [] },
  { where: "resource*", may: ["domain/", "tools/", "card/", "documents/"], types: ["desk.ts"] },
  {
    where: "server.ts",
    may: ["domain/", "tools/", "prompts.ts", "resource*", "version.ts"],
    types: ["desk.ts", "domain/"],
  },
  { where: "http/", may: ["domain/"] },
  {
    where: "serve-http*",
    may: ["domain/", "config.ts", "config-http.ts", "http/", "server.ts", "resource*"],
    types: ["desk.ts"],
  },
  { where: "serve-*", may: ["domain/", "server.ts", "resource*"], types: ["desk.ts"] },
  {
    where: "commands/",
    may: ["domain/", "tools/", "card/", "config.ts", "people/", "audit/", "ledger/ledger.ts", "http/tokens.ts"],
    types: ["desk.ts", "buying/", "ledger/entries.ts", "ledger/verify.ts"],
  },
  { where: "demo/", may: ["domain/", "commands/terminal.ts", "version.ts"] },
  { where: "sandbox/", may: ["domain/money.ts"] },
  {
    where: "main.ts",
    may: [
      "domain/",
      "config.ts",
      "config-environment.ts",
      "config-http.ts",
      "desk.ts",
      "desk-sandbox.ts",
      "files.ts",
      "version.ts",
      "ledger/ledger.ts",
      "serve-*",
      "commands/",
      "demo/",
      "sandbox/",
      "people/",
    ],
  },
];

/** Breaches that exist for a reason. One that is no longer needed is a breach itself. */
export const importExceptions: Readonly<Record<string, string>> = {
  "main.ts -> ledger/sqlite.ts": "the audit opens a ledger and nothing else",
  "main.ts -> ledger/lazy.ts": "the audit opens a ledger and nothing else",
};

/** Which packages there are, and who may import each. Whatever is not here is refused, so that no other model SDK slips in. */
const packages: Readonly<Record<string, readonly Place[]>> = {
  "@modelcontextprotocol/": [
    "tools/",
    "server.ts",
    "serve-*",
    "prompts.ts",
    "resource*",
    "demo/",
    "planner/",
    "sellers/adcp-mcp-session.ts",
    "sellers/adcp-mcp-transport.ts",
  ],
  zod: [
    "config*",
    "tools/",
    "prompts.ts",
    "resource*",
    "sellers/",
    "people/",
    "page/",
    "commands/",
    "sandbox/",
    "demo/",
    "planner/",
  ],
  "@anthropic-ai/sdk": ["planner/"],
  undici: ["sellers/http.ts", "sellers/sockets.ts"],
  "@simplewebauthn/server": ["people/"],
  cockatiel: ["sellers/http.ts"],
  pino: ["main.ts"],
  keyv: ["ledger/"],
  "@keyv/sqlite": ["ledger/"],
};

/** Modules of Node that only some places may use; `domain/` is pure, and a seller is reached by one way out. */
const nodeModules: readonly { readonly module: RegExp; readonly only: readonly Place[] }[] = [
  { module: /^node:process$/, only: ["main.ts", "sandbox/daemon.ts", "sandbox/takeover.ts"] },
  { module: /^node:http$/, only: ["sandbox/", "page/", "http/", "serve-http*"] },
  {
    module: /^node:(https|http2|net|tls|dgram|dns)(\/|$)/,
    only: ["sellers/addresses.ts", "sellers/sockets.ts", "sandbox/"],
  },
  { module: /^node:(child_process|cluster|worker_threads)$/, only: ["sandbox/daemon.ts"] },
  { module: /^node:sqlite$/, only: [] },
];
const pureFolders: Readonly<Record<string, readonly string[]>> = {
  "domain/": ["node:crypto"],
  "buying/": [],
  "strategies/": [],
};

/** Who may name `process`, and why. */
export const processUsers: Readonly<Record<string, string>> = {
  "main.ts": "the one file that touches the process",
  "sandbox/daemon.ts": "publishes its own process id in the lock by which others find it",
  "sandbox/takeover.ts": "asks whether the process that holds a lock still lives",
};

export function isAt(path: string, place: Place): boolean {
  if (place.endsWith("/")) return path.startsWith(place);
  return place.endsWith("*") ? path.startsWith(place.slice(0, -1)) && !path.includes("/") : path === place;
}

const isOneOf = (path: string, places: readonly Place[]) => places.some((place) => isAt(path, place));

/** Imports against the layers. @returns breaches, and exceptions that nothing needs */
export function layerBreaches(sources: readonly Source[], exceptions = importExceptions): string[] {
  const used = new Set<string>();
  const found = sources.flatMap(({ path, text }) => {
    const layer = layers.find(({ where }) => isAt(path, where));
    if (!layer) return [`${path}: belongs to no layer`];
    return importsOf(text).flatMap(({ from, typeOnly, line }) => {
      const target = targetOf(path, from);
      const allowed = [layer.where, ...layer.may, ...(typeOnly ? (layer.types ?? []) : [])];
      if (target === null || isOneOf(target, allowed)) return [];
      const name = `${path} -> ${target}`;
      if (name in exceptions) {
        used.add(name);
        return [];
      }
      return [`${path}:${line}: ${typeOnly ? "" : "(not type only) "}may not import ${target}`];
    });
  });
  const unused = Object.keys(exceptions).filter((name) => !used.has(name));
  return [...found, ...unused.map((name) => `${name}: an exception nothing needs`)];
}

/** Packages and modules of Node against who may use them. */
export function packageBreaches(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) =>
    importsOf(text)
      .filter(({ from }) => !from.startsWith("."))
      .filter(({ from }) => !(from.startsWith("node:") ? mayUseNode(path, from) : mayUsePackage(path, from)))
      .map(({ from, line }) => `${path}:${line}: may not import ${from}`),
  );
}

function mayUsePackage(path: string, from: string): boolean {
  const name = Object.keys(packages).find((one) =>
    one.endsWith("/") ? from.startsWith(one) : from === one || from.startsWith(`${one}/`),
  );
  return name !== undefined && isOneOf(path, packages[name] ?? []);
}

function mayUseNode(path: string, from: string): boolean {
  const pure = Object.entries(pureFolders).find(([folder]) => isAt(path, folder));
  if (pure) return pure[1].includes(from);
  const rule = nodeModules.find(({ module }) => module.test(from));
  return rule === undefined || isOneOf(path, rule.only);
}

interface Ban {
  readonly what: string;
  readonly pattern: RegExp;
  /** Where it is banned; absent = everywhere. */
  readonly where?: readonly Place[];
  /** Look at the text itself, comments included. */
  readonly inText?: true;
}

const nearMoney: readonly Place[] = ["domain/", "buying/", "sellers/", "ledger/"];

const bans: readonly Ban[] = [
  { what: "any", pattern: /(?<![.\w$])any\b(?!\s*[(:])/ },
  { what: "as unknown as", pattern: /\bas\s+unknown\s+as\b/ },
  { what: "a default export", pattern: /\bexport\s+default\b|\bas\s+default\b/ },
  { what: "console", pattern: /\bconsole\s*[.[]/ },
  {
    what: "a switched-off check",
    pattern: /@ts-(ignore|expect-error|nocheck)|biome-ignore|eslint-disable/,
    inText: true,
  },
  {
    what: "float arithmetic near money",
    pattern: /\b(parseFloat|toFixed|toPrecision)\b|\bMath\s*\.\s*(round|fround)\b/,
    where: nearMoney,
  },
  {
    what: "a clock or chance of its own",
    pattern:
      /\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)|\bperformance\s*\.|\bMath\s*\.\s*random\b|\brandom(UUID|Bytes|Int)\b|\bset(Timeout|Interval)\b/,
    where: ["domain/", "strategies/"],
  },
  { what: "a request past the one way out", pattern: /(?<![.\w$])fetch\s*\(|\bnew\s+(XMLHttpRequest|WebSocket)\b/ },
];

/** Words and marks that no source file holds. */
export function bannedWords(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    const code = codeOf(text);
    return bans
      .filter(({ where }) => where === undefined || isOneOf(path, where))
      .flatMap(({ what, pattern, inText }) =>
        linesWith(inText ? text : code, pattern).map((line) => `${path}:${line}: ${what}`),
      );
  });
}

/** Files that name `process` without being listed, and listed ones that do not. */
export function processBreaches(sources: readonly Source[], users = processUsers): string[] {
  const naming = sources.filter(({ text }) => /(?<![.\w$])process\s*[.[]/.test(codeOf(text))).map(({ path }) => path);
  const unlisted = naming.filter((path) => !(path in users)).map((path) => `${path}: touches the process`);
  const unused = Object.keys(users).filter((path) => !naming.includes(path));
  return [...unlisted, ...unused.map((path) => `${path}: an exception nothing needs`)];
}

/** Names that say nothing, and files too long to read in one sitting. */
export function shapeBreaches(sources: readonly Source[], longest = 350): string[] {
  return sources.flatMap(({ path, text }) => {
    const lines = text.replace(/\n$/, "").split("\n").length;
    const name = /(^|\/)(utils?|helpers?|common|misc|shared|types)(\.ts$|\/)/.exec(path)?.[2];
    return [
      ...(lines > longest ? [`${path}: ${lines} lines`] : []),
      ...(name ? [`${path}: "${name}" is no name for an idea`] : []),
    ];
  });
}

/** Exported functions and classes that do not say what they are for. */
export function silentExports(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => undocumented(text).map(({ name, line }) => `${path}:${line}: ${name}`));
}

/** Conditions on which tests may depend, and why. CI can meet all of them, so that each test is run somewhere. */
export const testConditions: Readonly<Record<string, string>> = {
  'runIf(process.env["LONG"] === "1")': "the long forms, with npm run test:long",
  "runIf(hasTerminal)": "a pseudo-terminal is opened with a tool that only Linux systems have",
  "runIf(chromiumIsHere)": "a real browser, where one is installed",
  "runIf(whyNot === null)": "the Inspector is fetched, where LONG says that there is time; else the reason is printed",
  'runIf(whyNoSchemas("3.1") === null)': "no package carries the schemas of AdCP 3.1; a folder of them does",
};

/** Tests that are switched off, alone, or announced; a test nobody runs proves nothing. */
export function idleTests(sources: readonly Source[]): string[] {
  const idle = /\b(test|it|describe|bench)(\s*\.\s*\w+)*\s*\.\s*(only|skip|todo|fails|skipIf|runIf)\b/;
  return sources.flatMap(({ path, text }) => {
    const lines = text.split("\n");
    return linesWith(codeOf(text), idle)
      .filter((line) => !Object.keys(testConditions).some((condition) => lines[line - 1]?.includes(condition)))
      .map((line) => `${path}:${line}: a test that is not simply run`);
  });
}

/** SDKs of language models among a package's dependencies, of any kind. */
export function modelSdks(manifest: Readonly<Record<string, unknown>>): string[] {
  const lists = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
  const names = lists.flatMap((list) => Object.keys(Object(manifest[list])));
  return names.filter((name) =>
    /anthropic|openai|langchain|llamaindex|mistral|cohere|genai|generative-ai|ollama|groq|bedrock|^ai$|^@ai-sdk\//.test(
      name,
    ),
  );
}

function linesWith(text: string, pattern: RegExp): number[] {
  return text.split("\n").flatMap((line, index) => (pattern.test(line) ? [index + 1] : []));
}
