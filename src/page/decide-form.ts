import type { Approval } from "../domain/approval.ts";
import { tickedSum } from "../card/card.ts";
import { type Html, html } from "../card/html.ts";

/** What the form starts with: as it came back, or as the approval stands. */
export interface FormState {
  readonly token: string;
  readonly people: readonly string[];
  readonly person: string;
  readonly note: string;
  /** Whether anybody here has a passkey. */
  readonly passkeys: boolean;
  /** Why approving would not count, by way and person. */
  readonly shortfalls: readonly string[];
}

/** What is to be read (with the lines to choose from) and the ways to decide, in one form. Enter decides nothing: a button has to be pressed. */
export function decideForm(approval: Approval, read: Html, state: FormState): Html {
  const several = approval.lines.length > 1;
  const approve = several ? "Approve the ticked lines" : "Approve";
  return html`<form id="decide" class="decide" method="post" action="/a/${approval.approvalId}" autocomplete="off">
<button class="no-enter" type="submit" disabled tabindex="-1" aria-hidden="true"></button>
<input type="hidden" name="token" value="${state.token}">
${read}
<section class="ways"><h2>Your decision</h2>
${several && tickedSum(approval)}
${state.shortfalls.map((why) => html`<p class="warn">${why}</p>`)}
<div class="fields">
<p>${whoDecides(state)}</p>
<p><label for="pin">PIN</label>
<input id="pin" name="pin" type="password" maxlength="200" autocomplete="off" spellcheck="false"></p>
<p class="wide"><label for="note">Note <small>optional, kept with the decision</small></label>
<input id="note" name="note" type="text" maxlength="500" value="${state.note}"></p>
</div>
<div class="buttons">
<button class="yes" type="submit" name="decision" value="approve">${approve}</button>
<button class="no" type="submit" name="decision" value="reject">Reject</button>
</div>
${state.passkeys && passkeyWay}
<p id="says" class="says" role="alert"></p>
</section></form>`;
}

function whoDecides({ people, person }: FormState): Html {
  const [only] = people;
  if (people.length === 1 && only !== undefined)
    return html`<span class="label">You decide as</span><span class="only">${only}</span><input type="hidden" name="person" value="${only}">`;
  return html`<label for="person">You decide as</label><select id="person" name="person">${people.map(
    (name) => html`<option value="${name}"${name === person && html` selected`}>${name}</option>`,
  )}</select>`;
}

const passkeyWay = html`<div id="passkey" class="passkey" hidden><p>Or without a PIN</p>
<div class="buttons">
<button class="yes quiet" type="button" value="approve">Approve with a passkey</button>
<button class="no" type="button" value="reject">Reject with a passkey</button>
</div></div>
<p id="unable" class="hint">Passkeys need JavaScript and a newer browser; the PIN does not.</p>`;
