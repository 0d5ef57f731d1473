import { chatStyle } from "./style.ts";
import { ticks } from "./ticks.ts";

/**
 * The approval card as an MCP App: a document that a host shows in a sandboxed frame. It speaks the apps extension's
 * messages (`ui/initialize`, protocol 2026-01-26) with the host and nobody else, and loads nothing.
 */
export const chatView = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Approval</title>
<style>${chatStyle}</style></head>
<body><main id="card"><p class="where">The approval is on its way.</p></main>
<script>${viewScript()}</script></body>
</html>
`;

/** Follows a decision that is taken elsewhere for about a quarter of an hour, 25 seconds a call. */
function viewScript(): string {
  return `(() => {${ticks}
const KEY = "media-buyer-mcp/card";
const ROUNDS = 40;
const root = document.getElementById("card");
const waiting = new Map();
let last = 0, shown = null, following = false;
const send = (message) => parent.postMessage({jsonrpc: "2.0", ...message}, "*");
const ask = (method, params) => new Promise((resolve, reject) => {
  last += 1;
  waiting.set(last, {resolve, reject});
  send({id: last, method, params});
});
const call = async (name, args) => {
  const result = await ask("tools/call", {name, arguments: args});
  if (result.isError) throw new Error(textOf(result) || "it failed.");
  return result;
};
const textOf = ({content}) => (content ?? []).map(({text}) => text ?? "").join(" ");
const say = (words) => {
  const place = document.getElementById("says");
  if (place) place.textContent = words;
  else root.replaceChildren(Object.assign(document.createElement("p"), {className: "where", textContent: words}));
};
const themed = (context) => {
  const dark = context?.theme ? context.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
};
// The server escapes all it did not write itself; this is the second lock: nothing that runs or loads gets in.
const inert = (markup) => {
  const {body} = new DOMParser().parseFromString(markup, "text/html");
  for (const one of body.querySelectorAll("script,style,link,iframe,object,embed,img,base,meta,template")) one.remove();
  for (const one of body.querySelectorAll("*"))
    for (const {name} of [...one.attributes])
      if (/^on|^(style|src|srcdoc|href|xlink:href|action|formaction)$/.test(name)) one.removeAttribute(name);
  return body.childNodes;
};
const show = (result) => {
  const card = result?._meta?.[KEY];
  if (!card) return say(textOf(result ?? {}));
  const isSame = shown?.approval_id === card.approval_id && shown.state === card.state;
  shown = card;
  // What somebody has ticked or typed stays while nothing changed.
  if (isSame) return;
  root.replaceChildren(...inert(card.html));
  scrollTo(0, 0);
  const form = root.querySelector("form");
  const ticked = root.querySelector("#ticked");
  if (form && ticked) followTicks(form, ticked);
  for (const button of root.querySelectorAll("button"))
    button.addEventListener("click", () => (button.value === "open" ? openPage() : decide(button.value, form)));
};
const tell = ({content}) => ask("ui/update-model-context", {content}).catch(() => {
  // A host without it learns the outcome when the model asks.
});
const decide = async (decision, form) => {
  const buttons = [...root.querySelectorAll("button")];
  const data = new FormData(form);
  for (const button of buttons) button.disabled = true;
  say("");
  try {
    const {approval_id, token} = shown;
    const lines = decision === "approve" ? data.getAll("line") : [];
    const result = await call("decide_on_card", {approval_id, token, decision, lines, note: data.get("note") ?? ""});
    show(result);
    tell(result);
    follow();
  } catch (error) {
    say(error.message);
    for (const button of buttons) button.disabled = false;
  }
};
const openPage = async () => {
  try {
    const answer = await ask("ui/open-link", {url: shown.page});
    if (answer?.isError) throw new Error();
    say("");
    follow();
  } catch {
    say("This client does not open it. Copy the address above into your browser.");
  }
};
const follow = async () => {
  if (following) return;
  following = true;
  try {
    for (let round = 0; round < ROUNDS && !shown.final; round += 1) {
      const before = shown.state;
      const result = await call("approve", {approval_id: shown.approval_id, wait_s: 25});
      show(result);
      if (shown.state !== before) tell(result);
    }
  } catch (error) {
    say("How it stands could not be read: " + error.message);
  } finally {
    following = false;
  }
};
addEventListener("message", ({source, data}) => {
  if (source !== parent || data?.jsonrpc !== "2.0") return;
  if (data.method === undefined) {
    const held = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error) held?.reject(new Error(data.error.message));
    else held?.resolve(data.result);
    return;
  }
  if (data.method === "ui/notifications/tool-result") show(data.params);
  if (data.method === "ui/notifications/host-context-changed") themed(data.params);
  if (data.id !== undefined) send({id: data.id, result: {}});
});
const size = () => {
  // The document itself is never lower than its frame, and would not let it shrink.
  const {width, height} = document.body.getBoundingClientRect();
  send({method: "ui/notifications/size-changed", params: {width: Math.ceil(width), height: Math.ceil(height)}});
};
themed(null);
const started = {protocolVersion: "2026-01-26", appInfo: {name: "media-buyer-approval-card", version: "1"}, appCapabilities: {}};
ask("ui/initialize", started).then((host) => {
  themed(host?.hostContext);
  send({method: "ui/notifications/initialized"});
  new ResizeObserver(size).observe(document.body);
}, (error) => say("The client did not let the card start: " + error.message));
})();`;
}
