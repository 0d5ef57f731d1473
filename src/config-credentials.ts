import * as z from "zod";
import { Secret } from "./domain/secret.ts";

const text = z.string().min(1).optional();

/** How a credential is written: one of three kinds, itself or the name of an environment variable. */
export const credential = z
  .strictObject({ bearer: text, api_key: text, access_token: text })
  .refine(
    (value) => Object.values(value).filter((one) => one !== undefined).length === 1,
    "one of bearer, api_key and access_token",
  );

/** A credential of the config, its secret read. */
export interface GivenCredential {
  readonly kind: "bearer" | "api_key" | "access_token";
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
  const kinds = ["bearer", "api_key", "access_token"] as const;
  const kind = kinds.find((one) => given[one] !== undefined) ?? "bearer";
  return { kind, secret: new Secret(secretText(where, given[kind] ?? "", source)) };
}

/** A secret's text, itself or from the environment; empty, with an issue, where that has none. */
export function secretText(where: string, text: string, { environment, issues }: SecretSource): string {
  const name = text.startsWith("env:") ? text.slice(4) : null;
  const value = name === null ? text : environment[name];
  if (!value) issues.push(`${where}: the environment variable ${name ?? "?"} is not set`);
  return value ?? "";
}
