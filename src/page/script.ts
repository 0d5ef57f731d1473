import { ticks } from "../card/ticks.ts";

/**
 * What a browser runs: WebAuthn has no form without a script. Everything else works without these. They build no markup
 * and put what the server says into the page as text only.
 */

const shared = `
const says = document.getElementById("says");
const able = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON);
const unable = document.getElementById("unable");
if (able && unable) unable.hidden = true;
async function post(path, body) {
  const answer = await fetch(path, {method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(body)});
  const said = await answer.json().catch(() => ({error: "The page did not answer. Open it again."}));
  if (!answer.ok) throw new Error(said.error);
  return said;
}
async function sign(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({publicKey})).toJSON();
}
async function make(options) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return (await navigator.credentials.create({publicKey})).toJSON();
}
async function saying(buttons, work) {
  for (const button of buttons) button.disabled = true;
  says.textContent = "";
  try {
    location.assign((await work()).to);
  } catch (error) {
    const away = error instanceof DOMException;
    says.textContent = away ? "The passkey was not used (" + error.name + "). Nothing was decided." : error.message;
    for (const button of buttons) button.disabled = false;
  }
}`;

/** Of the page of one approval: decides with a passkey, and says what the ticked lines cost together. */
export const decideScript = `(() => {${shared}${ticks}
const form = document.getElementById("decide");
const area = document.getElementById("passkey");
const ticked = document.getElementById("ticked");
if (area && able) {
  area.hidden = false;
  const buttons = [...area.querySelectorAll("button")];
  for (const button of buttons) button.addEventListener("click", () => saying(buttons, async () => {
    const data = new FormData(form);
    const path = form.getAttribute("action");
    const token = data.get("token");
    const asked = {token, decision: button.value, person: data.get("person"), note: data.get("note"), lines: data.getAll("line")};
    const {handle, options} = await post(path + "/challenge", asked);
    return post(path + "/passkey", {token, handle, answer: await sign(options)});
  }));
}
if (ticked) followTicks(form, ticked);
})();`;

/** Of the passkeys' page: makes a new passkey, shown the PIN or an older one. */
export const registerScript = `(() => {${shared}
const form = document.getElementById("register");
if (!form || !able) return;
form.hidden = false;
const buttons = [...form.querySelectorAll("button")];
const finish = async (token, {handle, options}) => post("/passkeys/finish", {token, handle, answer: await make(options)});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  saying(buttons, async () => {
    const {token, person, pin} = Object.fromEntries(new FormData(form));
    return finish(token, await post("/passkeys/begin", {token, person, pin}));
  });
});
document.getElementById("older").addEventListener("click", () => saying(buttons, async () => {
  const {token, person} = Object.fromEntries(new FormData(form));
  const {handle, options} = await post("/passkeys/begin", {token, person, pin: null});
  return finish(token, await post("/passkeys/older", {token, handle, answer: await sign(options)}));
}));
})();`;
