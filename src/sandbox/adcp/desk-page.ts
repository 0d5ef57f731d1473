import type { Incoming, Routed } from "../http-seller.ts";
import type { Answer } from "../wire.ts";
import { delay, reject, sign, waitingAt } from "./desk.ts";
import type { AdcpRuntime } from "./runtime.ts";

/** The pages where somebody plays the seller's people in a browser: `/desk` and what `setup.url` points to. */

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function page(title: string, body: string): Answer {
  const head = `<!doctype html><meta charset="utf-8"><title>${escaped(title)}</title>`;
  const html = `${head}<h1>${escaped(title)}</h1><p>A sandbox seller: nothing here is real.</p>${body}`;
  return { status: 200, text: html, headers: { "Content-Type": "text/html; charset=utf-8" } };
}

function overview(seller: AdcpRuntime): Answer {
  const lines = waitingAt(seller).map(({ kind, id, words }) => {
    const verbs = kind === "task" ? ["sign", "reject", "delay"] : ["sign", "reject"];
    const buttons = verbs.map((verb) => `<button name="verb" value="${verb}">${verb}</button>`).join(" ");
    const form = `<form method="post" action="/desk/${encodeURIComponent(id)}">${buttons}</form>`;
    return `<p>${escaped(id)}: ${escaped(words)}</p>${form}`;
  });
  return page(`${seller.profile.name}: the desk`, lines.join("") || "<p>Nothing waits.</p>");
}

function decided(seller: AdcpRuntime, id: string, verb: string | null): Answer {
  if (verb === "sign") sign(seller, id);
  else if (verb === "reject") reject(seller, id);
  else delay(seller, id);
  return { status: 303, text: "", headers: { Location: "/desk" } };
}

/** A page of the desk; null for any other path. No fault strikes here: the desk is the hand behind the seller. */
export function deskRoute(seller: AdcpRuntime, { method, path, body }: Incoming): Routed | null {
  const [found, id] = /^\/desk(?:\/([\w.:-]+))?$/.exec(path) ?? [];
  if (found === undefined) return null;
  if (method === "POST" && id !== undefined) {
    const verb = new URLSearchParams(body).get("verb");
    return { operation: null, handle: () => decided(seller, id, verb) };
  }
  if (id?.startsWith("io_")) {
    const words = `<p>To sign insertion order ${escaped(id)}, accept it in your booking with this id.</p>`;
    return { operation: null, handle: () => page(seller.profile.name, words) };
  }
  return { operation: null, handle: () => overview(seller) };
}
