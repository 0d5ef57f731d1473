import * as z from "zod";
import type { Money } from "./domain/money.ts";
import { ownNames, type Principal, scopes } from "./domain/principal.ts";

/** A principal with the digest of its token; the token itself is nowhere. */
export interface TokenHolder extends Principal {
  /** SHA-256 of the token, in hex. */
  readonly tokenSha256: string;
  readonly requestsPerMinute: number;
}

const hostName = z.string().regex(/^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)$/, "a host name, without port");

/** The `http` settings of a config, given how it reads amounts. */
export function httpSettings(amount: z.ZodType<Money, string>) {
  const principal = z
    .strictObject({
      name: z
        .string()
        .regex(/^[a-z0-9][a-z0-9._-]{0,40}$/, "lower-case letters, digits, dots, dashes and underscores")
        .refine(
          (name) => !ownNames.includes(name),
          "`local` is the name of the person's own client over stdio, `planner` that of the model that plans",
        )
        .describe("What this caller is called in every entry it causes"),
      token_sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/, "64 hex digits, as media-buyer-mcp token prints them")
        .describe("SHA-256 of its bearer token, from `media-buyer-mcp token`; the token itself is not kept"),
      scopes: z
        .array(z.enum(scopes))
        .min(1)
        .describe(
          "`buy:read` looks, `buy:quote` asks for quotes and negotiates, `buy:write` asks to buy, `buy:approve` answers for the person who decides",
        ),
      requests_per_minute: z.number().int().min(1).max(100_000).default(120).describe("More are answered with 429"),
      per_buy: amount.optional().describe("Most that one purchase it asks for may come to"),
      per_day: amount.optional().describe("Most that may be committed in a day of what it asked for"),
      approves_own: z
        .boolean()
        .default(false)
        .describe("Lets `buy:approve` count for what it asked for itself; leave it off for agents"),
    })
    .transform(
      (one): TokenHolder => ({
        name: one.name,
        tokenSha256: one.token_sha256,
        scopes: one.scopes,
        requestsPerMinute: one.requests_per_minute,
        perBuy: one.per_buy ?? null,
        perDay: one.per_day ?? null,
        approvesOwn: one.approves_own,
      }),
    );
  return z
    .strictObject({
      host: hostName
        .default("127.0.0.1")
        .describe("Address to listen on; any but this machine's own needs `principals` and `allowed_hosts`"),
      port: z.number().int().min(0).max(65_535).default(7700).describe("Where `--http` names none; 0 takes any"),
      open: z
        .boolean()
        .default(false)
        .describe(
          "Serves whoever reaches it on this machine without a token, as over stdio; for a machine of one user",
        ),
      allowed_hosts: z
        .array(hostName)
        .default([])
        .describe("Host names it is reached by, besides this machine's own while it listens there alone"),
      allowed_origins: z
        .array(hostName)
        .default([])
        .describe("Hosts of web pages that may call it; a request without Origin comes from no page and is let in"),
      principals: z.array(principal).default([]).describe("Who may call, each with a token of its own"),
    })
    .prefault({})
    .superRefine(({ principals }, context) => {
      for (const field of ["name", "tokenSha256"] as const) {
        const seen = principals.map((one) => one[field]);
        const twice = principals.find((one, at) => seen.indexOf(one[field]) !== at);
        const message = field === "name" ? "has a name that is there before" : "has a token that is there before";
        if (twice) context.addIssue({ code: "custom", message: `principals: ${twice.name} ${message}` });
      }
    });
}

export type HttpSettings = z.output<ReturnType<typeof httpSettings>>;

/** What is wrong between the principals' limits, and with the mandate's currency. */
export function principalProblems({ principals }: HttpSettings, currency: string | null): readonly string[] {
  return principals.flatMap(({ name, perBuy, perDay }) => {
    const foreign = [perBuy, perDay].some((one) => one && currency !== null && one.currency !== currency);
    if (foreign) return [`http.principals.${name}: its limits must be in ${currency}, as the mandate's are`];
    if (perBuy && perDay && perBuy.currency === perDay.currency && perBuy.micros > perDay.micros)
      return [`http.principals.${name}: per_buy is above per_day: check the figures`];
    return [];
  });
}

/** Names under which this machine reaches itself. */
export const loopbackNames = ["localhost", "127.0.0.1", "[::1]"] as const;

/** Whether a server with these settings can be reached from this machine alone. */
export function isLoopback({ host }: HttpSettings): boolean {
  return loopbackNames.some((name) => name === host);
}

/**
 * Why a server may not be started with these settings; empty when it may. On this machine alone a sandbox desk may be
 * served to anybody; whatever spends real money, and whatever others can reach, needs tokens.
 */
export function whyNotServed(http: HttpSettings, sandbox: boolean, command: string): readonly string[] {
  const token = `make one with: ${command} token`;
  if (!isLoopback(http)) {
    return [
      ...(http.open ? [`http.open is for this machine alone, and http.host is ${http.host}`] : []),
      ...(http.principals.length === 0
        ? [`http.host is ${http.host}, so callers need tokens: http.principals is empty; ${token}`]
        : []),
      ...(http.allowed_hosts.length === 0
        ? [`http.host is ${http.host}, so http.allowed_hosts must name the hosts it is reached by`]
        : []),
    ];
  }
  if (http.principals.length > 0)
    return http.open ? ["http.open serves callers without a token, and http.principals asks for one: choose"] : [];
  if (http.open || sandbox) return [];
  return [
    `http.principals is empty, so nobody may call: ${token}; or set http.open to serve every program on this machine`,
  ];
}
