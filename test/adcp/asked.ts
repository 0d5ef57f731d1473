import * as z from "zod";

/** A request that reached a seller: the AdCP task it names, and its arguments as sent. */
export interface Asked {
  readonly task: string;
  readonly args: Readonly<Record<string, unknown>>;
}

const called = z.object({
  params: z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()).default({}) }),
});
const messaged = z.object({
  params: z.object({
    message: z.object({
      parts: z.array(
        z.looseObject({ data: z.object({ skill: z.string(), input: z.record(z.string(), z.unknown()) }) }),
      ),
    }),
  }),
});

/** The AdCP task a JSON-RPC request names, over MCP or A2A; null for what belongs to the transport. */
export function askedIn(json: unknown): Asked | null {
  const call = called.safeParse(json).data?.params;
  if (call) return { task: call.name, args: call.arguments };
  const data = messaged.safeParse(json).data?.params.message.parts[0]?.data;
  return data ? { task: data.skill, args: data.input } : null;
}

/** The same of a body as it came. */
export function askedInBody(body: string): Asked | null {
  return askedIn(JSON.parse(body || "null"));
}
