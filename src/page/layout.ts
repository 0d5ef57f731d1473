import { Html, html, type Part } from "../card/html.ts";
import { styleSheet } from "../card/style.ts";

/** One page: what stands in it, and the one script it may run. */
export interface Page {
  readonly title: string;
  readonly body: Html;
  readonly script?: string;
}

/** A page as it is sent. @param nonce lets its script run, and no other */
export function written({ title, body, script }: Page, nonce: string): string {
  // Style and script are ours and never hold anything from elsewhere.
  const style = new Html(`<style>${styleSheet}</style>`);
  const run = script === undefined ? null : new Html(`<script nonce="${nonce}">${script}</script>`);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
${style}
</head>
<body>
${body}
${run}
</body>
</html>
`.text;
}

/** The frame around every page that shows something of the desk. */
export function frame(desk: { readonly name: string; readonly sandbox: boolean }, content: Part): Html {
  return html`<header class="bar">
<a class="mark" href="/">media-buyer-mcp</a>
<span class="desk">desk ${desk.name}</span>
${desk.sandbox && html`<span class="sandbox">Sandbox, no real money</span>`}
</header>
<main>${content}</main>
<footer class="foot"><a href="/">Waiting approvals</a> <a href="/passkeys">Passkeys</a>
<span>This page is on your own computer. Knowing its address decides nothing.</span></footer>`;
}
