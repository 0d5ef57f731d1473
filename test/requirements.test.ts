import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { issueUnderWay, type Requirement, requirements } from "./requirements.ts";

const testFolder = import.meta.dirname;
const adrFolder = join(testFolder, "../docs/adr");
const lastIssue = 7;

/** A citation as written: which id, in which file. `id` is undefined where the scan could not read one. */
interface Citation {
  id: string | undefined;
  file: string;
}

describe("the requirements themselves", () => {
  test("ids are unique, dotted and lower case", () => {
    none("ids written twice", duplicates(requirements.map(({ id }) => id)));
    none(
      "ids out of shape",
      requirements.map(({ id }) => id).filter((id) => !/^[a-z0-9_]+(\.[a-z0-9_]+)+$/.test(id)),
    );
  });

  test("each behaviour is a sentence of its own", () => {
    const behaviours = requirements.map(({ behaviour }) => behaviour);
    none("behaviours written twice", duplicates(behaviours));
    none(
      "behaviours that are no sentence",
      behaviours.filter((behaviour) => !/^.{15,160}\.$/.test(behaviour)),
    );
  });

  test("every source has rows", () => {
    const sources = ["seed 000", "seed 001", "seed 002", "seed 003", "seed 004", "card"];
    expect([...new Set(requirements.map(({ source }) => source))]).toEqual(sources);
  });

  test("a row is deferred to the issue under way or a later one", () => {
    none(`rows deferred to no issue of ${issueUnderWay} to ${lastIssue}`, misdeferred(requirements, issueUnderWay));
  });

  test("a row that differs by design has its decision record", () => {
    const records = existsSync(adrFolder) ? readdirSync(adrFolder) : [];
    none("rows whose decision record is missing in docs/adr", undecided(requirements, records));
  });
});

describe("the tests' citations", () => {
  const cited = testSources().flatMap(({ file, text }) => citations(text, file));

  test("every citation can be read and exists", () => {
    none("citations of ids that do not exist, or not written as string literals", unknown(requirements, cited));
  });

  test("every row to be tested is cited by a test", () => {
    none("requirements no test cites", uncited(requirements, cited));
  });

  test("no cited row is still deferred", () => {
    none("rows that a test proves but that still say issue or later", stale(requirements, cited));
  });
});

describe("the checks can fail", () => {
  const row = (id: string, fulfilled: Requirement["fulfilled"]): Requirement => ({
    id,
    source: "card",
    behaviour: `What ${id} does.`,
    fulfilled,
  });
  const rows = [
    row("a.tested", { by: "test" }),
    row("a.issue", { by: "issue", issue: 2 }),
    row("a.beyond", { by: "issue", issue: 8 }),
    row("a.design", { by: "design", adr: "ADR 4" }),
  ];
  const call = "verifies";

  test("an uncited row, an unknown id and a stale deferral are named", () => {
    expect(uncited(rows, [])).toEqual(["a.tested (card): What a.tested does."]);
    expect(uncited(rows, [{ id: "a.tested", file: "x.test.ts" }])).toEqual([]);
    expect(unknown(rows, [{ id: "a.typo", file: "x.test.ts" }])).toEqual(["a.typo in x.test.ts"]);
    expect(stale(rows, [{ id: "a.issue", file: "x.test.ts" }])).toEqual(["a.issue (card): What a.issue does."]);
    expect(duplicates(["a.b", "a.c", "a.b"])).toEqual(["a.b"]);
  });

  test("a passed issue, an issue out of range and a missing record are named", () => {
    expect(misdeferred(rows, 2)).toEqual(["a.beyond (issue 8): What a.beyond does."]);
    expect(misdeferred(rows, 3)).toHaveLength(2);
    expect(undecided(rows, ["0040-other.md", "0014-another.md"])).toEqual(["a.design (ADR 4): What a.design does."]);
    expect(undecided(rows, ["0004-a-model-never-approves.md"])).toEqual([]);
  });

  test("citations are read over several lines; comments and computed ids do not count", () => {
    const text = `  ${call}(\n    "a.tested",\n    'a.issue',\n  );\n// ${call}("a.design")\n * ${call}("a.design")\n`;
    expect(citations(text, "x").map(({ id }) => id)).toEqual(["a.tested", "a.issue"]);
    expect(citations(`${call}(id);\n${call}(\`a.\${b}\`);\n`, "x").map(({ id }) => id)).toEqual([undefined, undefined]);
    expect(citations(`test("x", () => ${call}("a.tested"));\n`, "x").map(({ id }) => id)).toEqual(["a.tested"]);
  });
});

/** Fails with one line for each finding. */
function none(what: string, found: readonly string[]): void {
  if (found.length > 0) expect.fail(`${found.length} ${what}:\n  ${found.join("\n  ")}\n`);
}

function duplicates(values: readonly string[]): string[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

function uncited(rows: readonly Requirement[], cited: readonly Citation[]): string[] {
  const ids = new Set(cited.map(({ id }) => id));
  return rows
    .filter(({ id, fulfilled }) => fulfilled.by === "test" && !ids.has(id))
    .map(({ id, source, behaviour }) => `${id} (${source}): ${behaviour}`);
}

function unknown(rows: readonly Requirement[], cited: readonly Citation[]): string[] {
  const ids = new Set(rows.map(({ id }) => id));
  return cited.filter(({ id }) => !id || !ids.has(id)).map(({ id, file }) => `${id ?? "(not a literal)"} in ${file}`);
}

function stale(rows: readonly Requirement[], cited: readonly Citation[]): string[] {
  const ids = new Set(cited.map(({ id }) => id));
  return rows
    .filter(({ id, fulfilled }) => (fulfilled.by === "issue" || fulfilled.by === "later") && ids.has(id))
    .map(({ id, source, behaviour }) => `${id} (${source}): ${behaviour}`);
}

function misdeferred(rows: readonly Requirement[], underWay: number): string[] {
  return rows.flatMap(({ id, behaviour, fulfilled }) => {
    if (fulfilled.by !== "issue") return [];
    const open = Number.isInteger(fulfilled.issue) && fulfilled.issue >= underWay && fulfilled.issue <= lastIssue;
    return open ? [] : [`${id} (issue ${fulfilled.issue}): ${behaviour}`];
  });
}

/** "ADR 4" is the file `0004-….md`. */
function undecided(rows: readonly Requirement[], records: readonly string[]): string[] {
  return rows.flatMap(({ id, behaviour, fulfilled }) => {
    if (fulfilled.by !== "design") return [];
    const prefix = `${fulfilled.adr.replace("ADR ", "").padStart(4, "0")}-`;
    const written = records.some((name) => name.startsWith(prefix) && name.endsWith(".md"));
    return written ? [] : [`${id} (${fulfilled.adr}): ${behaviour}`];
  });
}

/** Every `verifies(…)` call outside comments; one entry an id, an entry without id where an argument is no literal. */
function citations(text: string, file: string): Citation[] {
  const code = text.replace(/(^|\s)\/\/.*$|^\s*\/?\*.*$/gm, "");
  return [...code.matchAll(/\bverifies\(([^)]*)\)/g)].flatMap(([, list = ""]) =>
    list
      .split(",")
      .map((argument) => argument.trim())
      .filter((argument) => argument !== "")
      .map((argument) => ({ id: /^["']([^"'`$]+)["']$/.exec(argument)?.[1], file })),
  );
}

/** The source of all tests and shared suites: every TypeScript file here but the requirements and their own test. */
function testSources(): { file: string; text: string }[] {
  return readdirSync(testFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !relative(testFolder, path).startsWith("requirements"))
    .map((path) => ({ file: relative(testFolder, path), text: readFileSync(path, "utf8") }));
}
