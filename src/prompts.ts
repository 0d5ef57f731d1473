import { readdirSync, readFileSync } from "node:fs";
import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";

/** A prompt file: a heading, one line of purpose, `- name: what it is` for each argument, then the text with `{name}`. */
export interface Prompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly parameters: readonly { readonly name: string; readonly about: string }[];
  readonly body: string;
}

const folder = new URL("../prompts/", import.meta.url);

/** The text of `prompts/specialists/<name>.md`: for the model that plans, and offered to no client. */
export function loadSpecialist(name: string): string {
  return readFileSync(new URL(`specialists/${name}.md`, folder), "utf8").trim();
}

/** Every `prompts/*.md` of this release. */
export function loadPrompts(): readonly Prompt[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".md"))
    .sort()
    .map((file) => parsePrompt(file.slice(0, -3).replaceAll("-", "_"), readFileSync(new URL(file, folder), "utf8")));
}

/** @throws RangeError for a file that is not in the form above */
export function parsePrompt(name: string, markdown: string): Prompt {
  const match = /^# (?<title>.+)\n\n(?<about>.+)\n\n(?<list>(?:- .+\n)*)\n?(?<body>[\s\S]+)$/.exec(
    markdown.replaceAll("\r\n", "\n"),
  );
  const { title, about, list = "", body } = match?.groups ?? {};
  if (!title || !about || !body) throw new RangeError(`prompts/${name}.md is not a prompt`);
  const parameters = list
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [, parameter = "", what = ""] = /^- (\w+): (.+)$/.exec(line) ?? [];
      return { name: parameter, about: what };
    });
  return { name, title, description: about, parameters, body: body.trim() };
}

/** What there is to offer, read and prepared with the first server; every further one offers the same. */
let offered: readonly { readonly prompt: Prompt; readonly argsSchema: z.ZodType<Record<string, string | undefined>> }[];

function prepared(): typeof offered {
  offered ??= loadPrompts().map((prompt) => {
    const shape = prompt.parameters.map(
      ({ name, about }) => [name, z.string().max(4_000).optional().describe(about)] as const,
    );
    return { prompt, argsSchema: z.object(Object.fromEntries(shape)) };
  });
  return offered;
}

/** Offers the prompts to clients; what a person leaves out is said to be missing, never invented. */
export function registerPrompts(server: McpServer): void {
  for (const { prompt, argsSchema } of prepared())
    server.registerPrompt(
      prompt.name,
      { title: prompt.title, description: prompt.description, argsSchema },
      (values) => {
        const text = prompt.body.replace(
          /\{(\w+)\}/g,
          (_whole, name: string) => values[name] ?? `(not given: ask the person for ${name})`,
        );
        return { messages: [{ role: "user" as const, content: { type: "text" as const, text } }] };
      },
    );
}
