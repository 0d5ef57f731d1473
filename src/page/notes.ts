import { html } from "../card/html.ts";
import type { Page } from "./layout.ts";

const notes: Readonly<Record<number, readonly [string, string]>> = {
  400: ["Not understood", "That is not what this page sends. Nothing was decided."],
  403: [
    "Not from here",
    "This did not come from this page as you opened it. Nothing was decided. Open the link again.",
  ],
  404: ["Nothing here", "There is nothing at this address."],
  405: ["Not understood", "This page is only read and answered. Nothing was decided."],
  413: ["Too much", "That is more than this page takes. Nothing was decided."],
  415: ["Not understood", "That is not what this page sends. Nothing was decided."],
};

/** A page that says why there is none, and nothing of the desk. */
export function notePage(status: number): { readonly status: number; readonly page: Page } {
  const [title, text] = notes[status] ?? ["Something failed", "Something failed on our side. Open the link again."];
  const body = html`<main class="note"><h1>${title}</h1><p>${text}</p></main>`;
  return { status, page: { title, body } };
}
