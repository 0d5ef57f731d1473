import * as z from "zod";
import { Secret } from "./domain/secret.ts";

/** How a credential is written: one of two kinds, itself or the name of an environment variable. */
export const credential = z
  .strictObject({ bearer: z.string().min(1).optional(), api_key: z.string().min(1).optional() })
  .refine((value) => (value.bearer === undefined) !== (value.api_key === undefined), "either bearer or api_key");

/** A credential of the config, its secret read. */
export interface GivenCredential {
  readonly kind: "bearer" | "api_key";
  readonly secret: Secret;
}

/** Where `env:NAME` secrets are read, and where what is wrong with them is noted. */
export interface SecretSource {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly issues: string[];
}

/** A credential as it is written, with its secret read. @param where the setting, for the words of an issue */
export function givenCredential(
  where: string,
  given: z.output<typeof credential>,
  source: SecretSource,
): GivenCredential {
  const kind = given.bearer === undefined ? "api_key" : "bearer";
  return { kind, secret: new Secret(secretText(where, given.bearer ?? given.api_key ?? "", source)) };
}

/** A secret's text, itself or from the environment; empty, with an issue, where that has none. */
export function secretText(where: string, text: string, { environment, issues }: SecretSource): string {
  const name = text.startsWith("env:") ? text.slice(4) : null;
  const value = name === null ? text : environment[name];
  if (!value) issues.push(`${where}: the environment variable ${name ?? "?"} is not set`);
  return value ?? "";
}
