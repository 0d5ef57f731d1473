import * as z from "zod";
import { type GivenCredential, givenCredential, credential, type SecretSource } from "./config-credentials.ts";
import { trustLevels } from "./domain/identity.ts";

/** A registry of seller agents, as the config writes it. */
export const registry = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,30}$/, "lower-case letters, digits, dots and dashes")
    .describe("What this desk calls the registry; said with every word of trust that comes from it"),
  kind: z
    .enum(["aamp", "aamp-legacy", "agenticadvertising"])
    .describe("What it speaks: AAMP with `/api/agents`, AAMP with `/agents` and `/verify`, or AgenticAdvertising.org"),
  url: z.url({ protocol: /^https?$/ }).describe("Its base address"),
  timeout_s: z.number().min(0.1).max(120).default(15).describe("Seconds it may take"),
  max_trust: z
    .enum(trustLevels)
    .extract(["registered", "verified", "preferred"])
    .default("preferred")
    .describe("The most that its word for a seller counts for"),
  credential: credential
    .optional()
    .describe('{"bearer": …} or {"api_key": …}, where it asks for one; "env:NAME" reads an environment variable'),
});

/** A registry of the config, its secret read. */
export type RegistryConfig = Omit<z.output<typeof registry>, "credential"> & {
  readonly credential: GivenCredential | null;
};

/** The registries as they are written, their secrets read. */
export function registriesOf(
  written: readonly z.output<typeof registry>[],
  source: SecretSource,
): readonly RegistryConfig[] {
  const ids = written.map(({ id }) => id);
  for (const id of ids.filter((one, at) => ids.indexOf(one) !== at))
    source.issues.push(`registries: ${id} is there twice`);
  return written.map((one) => ({
    ...one,
    credential: one.credential ? givenCredential(`registries.${one.id}.credential`, one.credential, source) : null,
  }));
}
