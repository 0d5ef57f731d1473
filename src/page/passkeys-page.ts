import { type Answer, type PageContext, subjects, tokenFor } from "./context.ts";
import { type Html, html } from "../card/html.ts";
import { frame } from "./layout.ts";
import { registerScript } from "./script.ts";
import { dayWords } from "../card/words.ts";

/** `GET /passkeys`: who has which, and a new one. */
export async function passkeysAnswer(context: PageContext): Promise<Answer> {
  const { desk } = context;
  const people = [...(await desk.people.names())].sort();
  const held = await Promise.all(people.map(async (name) => ({ name, keys: await desk.people.passkeys(name) })));
  const rows = held.map(
    ({ name, keys }) =>
      html`<li><b>${name}</b>${
        keys.length === 0
          ? html`<span>no passkey yet</span>`
          : keys.map(
              ({ id, addedAt }) =>
                html`<span>passkey <code>${id.slice(0, 8)}</code>, since ${dayWords(addedAt)}</span>`,
            )
      }</li>`,
  );
  const content = html`<article class="sheet plain"><h1>Passkeys</h1>
<p>A passkey signs a decision with your fingerprint, face or security key. It counts for more than a PIN: it never leaves your device,
and no program can type it.</p>
${people.length === 0 ? html`<p class="warn">Nobody has a PIN on this desk yet. Set one in a terminal first: <code>media-buyer-mcp pin</code></p>` : html`<ul class="waiting people">${rows}</ul>`}
${people.length > 0 && addForm(await tokenFor(context, subjects.passkeys), people)}</article>`;
  return { status: 200, page: { title: "Passkeys", body: frame(desk, content), script: registerScript } };
}

function addForm(token: string, people: readonly string[]): Html {
  return html`<h2>Add a passkey</h2>
<p id="unable" class="warn">Passkeys need JavaScript and a newer browser. Deciding with the PIN does not.</p>
<form id="register" class="decide" hidden autocomplete="off"><input type="hidden" name="token" value="${token}">
<div class="fields">
<p><label for="person">For</label><select id="person" name="person">${people.map((name) => html`<option>${name}</option>`)}</select></p>
<p><label for="pin">PIN</label><input id="pin" name="pin" type="password" maxlength="200" autocomplete="off"></p></div>
<div class="buttons"><button class="yes" type="submit">Add with the PIN</button>
<button class="yes quiet" type="button" id="older">Add with an older passkey</button></div>
<p id="says" class="says" role="alert"></p></form>`;
}
