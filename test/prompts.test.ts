import { describe, expect, test } from "vitest";
import { schemaRows } from "../src/commands/schema-table.ts";
import { loadPrompts, parsePrompt } from "../src/prompts.ts";
import { tools } from "../src/tools/index.ts";
import { read } from "./docs/pages.ts";
import { verifies } from "./requirements.ts";

describe("prompts", () => {
  const prompts = loadPrompts();

  test("use every argument they declare and no other, and name only tools that exist", () => {
    verifies("tool.prompts");
    expect(prompts.map(({ name }) => name)).toContain("plan_a_buy");
    const words = new Set([...tools.flatMap(({ input, output }) => [...keysOf(input), ...keysOf(output)])]);
    for (const { name, parameters, body } of prompts) {
      const used = [...new Set([...body.matchAll(/\{(\w+)\}/g)].map(([, one]) => one))];
      expect(used.sort(), name).toEqual(parameters.map((one) => one.name).sort());
      for (const { about } of parameters) expect(about.length, name).toBeGreaterThan(10);
      const called = [...body.matchAll(/\b[Cc]alls? (?:with )?([a-z]+_[a-z_]+|approve|negotiate)\b/g)].map(
        ([, tool]) => tool,
      );
      expect(called.length, name).toBeGreaterThan(0);
      expect(
        called.filter((tool) => !tools.some((one) => one.name === tool)),
        name,
      ).toEqual([]);
      const unknown = [...body.matchAll(/\b[a-z]+(?:_[a-z]+)+\b/g)]
        .map(([word]) => word)
        .filter((word) => !words.has(word) && !statuses.includes(word) && !tools.some((one) => one.name === word));
      expect(
        unknown.filter((word) => !parameters.some((one) => one.name === word)),
        name,
      ).toEqual([]);
    }
  });

  test("are one line of heading, one of purpose, arguments, text; anything else is refused", () => {
    const text = "# A title\n\nOne line.\n\n- what: What it is\n\nDo {what}.\n\n- not an argument\n";
    expect(parsePrompt("a", text)).toEqual({
      name: "a",
      title: "A title",
      description: "One line.",
      parameters: [{ name: "what", about: "What it is" }],
      body: "Do {what}.\n\n- not an argument",
    });
    expect(parsePrompt("a", text.replaceAll("\n", "\r\n"))).toEqual(parsePrompt("a", text));
    for (const wrong of ["", "No heading", "# Only a heading\n", "# Heading\nno gap\n\ntext"]) {
      expect(() => parsePrompt("a", wrong)).toThrow(RangeError);
    }
  });

  test("are all in the README", () => {
    for (const { name } of prompts) expect(read("README.md")).toContain(`\`${name}\``);
  });
});

/** Words of answers that are values, not keys. */
const statuses = ["booking_unknown", "terms_mismatch", "cancel_unknown"];

function keysOf(schema: (typeof tools)[number]["input"]): string[] {
  return schemaRows(schema, "input").flatMap(({ key }) => key.split(/[.[\]]+/));
}
