import type { Body } from "./body.ts";
import type { Challenges } from "./challenges.ts";
import { formToken, isFormToken } from "./guard.ts";
import type { Page } from "./layout.ts";
import type { PageDesk } from "./page-desk.ts";

/** A request that passed the guard: it is for us, and what changes something came from one of our pages. */
export interface Ask {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** The browser's own mark. */
  readonly browser: string;
  /** Such as `http://localhost:7788`. */
  readonly origin: string;
  readonly body: Body | null;
}

/** A page, an answer to the page's script, or (`to`, status 303) another page of ours. */
export interface Answer {
  readonly status: number;
  readonly page?: Page;
  readonly json?: object;
  readonly to?: string;
}

/** What one handler works with. */
export interface PageContext {
  readonly desk: PageDesk;
  readonly challenges: Challenges;
  readonly ask: Ask;
}

/** What form tokens are good for: one approval, or the passkeys. */
export const subjects = { approval: (id: string) => `approval/${id}`, passkeys: "passkeys" } as const;

/** The token for a form on a page that is being shown to this browser. */
export async function tokenFor({ desk, ask }: PageContext, subject: string): Promise<string> {
  return formToken(await desk.key(), ask.browser, subject);
}

/** True when a form brought back the token that was made for this browser and subject. */
export async function cameBack({ desk, ask }: PageContext, given: unknown, subject: string): Promise<boolean> {
  return isFormToken(given, await desk.key(), ask.browser, subject);
}

/** An answer to the page's script that says why not. */
export function problem(status: number, error: string): Answer {
  return { status, json: { error } };
}

/** Said when a token did not come back: a page left open over a restart, or a form that is not ours. */
export const staleForm = "This page is out of date. Nothing was decided; open it again.";
