import { BuyingError } from "../domain/errors.ts";
import type { Challenges } from "./challenges.ts";
import type { Answer, Ask, PageContext } from "./context.ts";
import { decideByPin } from "./decide-by-pin.ts";
import { askForPasskey, decideByPasskey } from "./decide-by-passkey.ts";
import { listPage } from "./list-page.ts";
import { notePage } from "./notes.ts";
import type { PageDesk } from "./page-desk.ts";
import { beginPasskey, finishPasskey, showOlderPasskey } from "./register.ts";
import { passkeysAnswer } from "./passkeys-page.ts";
import { showApproval } from "./show.ts";

const approvalPath = /^\/a\/([A-Za-z0-9_-]{1,80})(?:\/(challenge|passkey))?$/;

/** Every address of the page. What is none of them is answered like an approval nobody knows. */
export function routesOf(desk: PageDesk, challenges: Challenges): (ask: Ask) => Promise<Answer> {
  return async (ask) => {
    const context = { desk, challenges, ask };
    try {
      return await (handlerOf(context)?.() ?? notePage(404));
    } catch (error) {
      if (error instanceof BuyingError && error.code === "unknown_approval") return notePage(404);
      desk.log("approval page failed", { path: ask.path, error: String(error) });
      return notePage(500);
    }
  };
}

function handlerOf(context: PageContext): (() => Promise<Answer>) | null {
  const { method, path } = context.ask;
  const [, approvalId, part] = approvalPath.exec(path) ?? [];
  if (method === "GET") {
    if (path === "/") return () => listPage(context);
    if (path === "/passkeys") return () => passkeysAnswer(context);
    return approvalId !== undefined && part === undefined ? () => showApproval(context, approvalId) : null;
  }
  if (path === "/passkeys/begin") return () => beginPasskey(context);
  if (path === "/passkeys/older") return () => showOlderPasskey(context);
  if (path === "/passkeys/finish") return () => finishPasskey(context);
  if (approvalId === undefined) return null;
  if (part === "challenge") return () => askForPasskey(context, approvalId);
  if (part === "passkey") return () => decideByPasskey(context, approvalId);
  return () => decideByPin(context, approvalId);
}
