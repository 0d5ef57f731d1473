import type { Money } from "./money.ts";

/** What a connection may do: look, ask sellers and negotiate, ask to buy, answer for the person who decides. */
export const scopes = ["buy:read", "buy:quote", "buy:write", "buy:approve"] as const;
export type Scope = (typeof scopes)[number];

/** Who is calling. Over stdio it is the person's own client; over HTTP whoever a token was given to. */
export interface Principal {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Whether an answer over this connection counts for what the same principal asked to buy. */
  readonly approvesOwn: boolean;
  /** Most that one purchase it asks for may come to; null = the mandate's own limits alone. */
  readonly perBuy: Money | null;
  /** Most that may be committed in a day of what it asked for, whoever approved it. */
  readonly perDay: Money | null;
}

/** Whoever started the client on this machine: everything, within the mandate. No token has this name. */
export const localPrincipal: Principal = {
  name: "local",
  scopes,
  approvesOwn: true,
  perBuy: null,
  perDay: null,
};

/** The model that plans: it looks, asks for quotes and negotiates. It can neither ask to buy nor answer for a person. */
export const plannerPrincipal: Principal = {
  name: "planner",
  scopes: ["buy:read", "buy:quote"],
  approvesOwn: false,
  perBuy: null,
  perDay: null,
};

/** Names that no token may have. */
export const ownNames: readonly string[] = [localPrincipal.name, plannerPrincipal.name];

/**
 * Why an answer over a principal's connection decides nothing about what `proposer` asked to buy; null when it may. What
 * such an answer then counts for is the mandate's to say.
 */
export function whyMayNotDecide(principal: Principal, proposer: string): string | null {
  const { name, scopes: held, approvesOwn } = principal;
  if (!held.includes("buy:approve")) return `${name} does not hold buy:approve, so its answers decide nothing`;
  if (proposer === name && !approvesOwn) return `${name} asked for this itself, and approves_own is not set for it`;
  return null;
}

/**
 * Why a principal may not cancel what `proposer` asked to buy; null when it may. Money that comes back can be spent again, and
 * what was delivered may be charged: that is for whoever asked, or answers for a person.
 */
export function whyMayNotCancel({ name, scopes: held }: Principal, proposer: string): string | null {
  if (name === localPrincipal.name || name === proposer || held.includes("buy:approve")) return null;
  return `${name} neither asked for this buy nor holds buy:approve`;
}

/** A principal by its name, as the desk knows it now; one that is no longer configured is nobody. */
export function principalNamed(principals: readonly Principal[], name: string): Principal | null {
  if (name === localPrincipal.name) return localPrincipal;
  return principals.find((one) => one.name === name) ?? null;
}
