import { randomBytes } from "node:crypto";
import type { DecisionStatement } from "../domain/decision.ts";

/** What a browser was asked to sign or to make, and for whom. */
export type Challenge =
  | { readonly kind: "decision"; readonly approvalId: string; readonly statement: DecisionStatement }
  /** An older passkey is shown, so that a new one may be added; `text` is what it signs. */
  | { readonly kind: "older"; readonly person: string; readonly text: string }
  | { readonly kind: "create"; readonly person: string; readonly challenge: string };

/** Open challenges of this process: each is good for a few minutes, one browser and one answer. */
export interface Challenges {
  /** @returns the handle the browser brings back */
  open(browser: string, challenge: Challenge): string;
  /** The challenge, which is then spent; null when there is none (any more) for this browser. */
  take(browser: string, handle: string): Challenge | null;
}

const GOOD_FOR_MS = 180_000;
/** More than people open at once; the oldest gives way, so that nobody fills the memory. */
const MOST = 200;

/** Kept in memory alone: after a restart the person simply asks again. */
export function openChallenges(now: () => Date): Challenges {
  const held = new Map<string, { readonly browser: string; readonly until: number; readonly challenge: Challenge }>();
  return {
    open: (browser, challenge) => {
      const [oldest] = held.keys();
      if (held.size >= MOST && oldest !== undefined) held.delete(oldest);
      const handle = randomBytes(16).toString("base64url");
      held.set(handle, { browser, until: now().getTime() + GOOD_FOR_MS, challenge });
      return handle;
    },
    take: (browser, handle) => {
      const found = held.get(handle);
      if (found?.browser !== browser) return null;
      held.delete(handle);
      return found.until > now().getTime() ? found.challenge : null;
    },
  };
}
