import { type Approval, stateOf } from "../domain/approval.ts";
import { displayMoney } from "../domain/money.ts";
import type { Fields } from "./asked.ts";
import { banner, facts, hero, lineList } from "../card/card.ts";
import { closedCard, outcomeTitle } from "../card/outcome.ts";
import { type Answer, type PageContext, subjects, tokenFor } from "./context.ts";
import { decideForm } from "./decide-form.ts";
import { type Html, html } from "../card/html.ts";
import { frame } from "./layout.ts";
import { decideScript } from "./script.ts";
import { counted, leftWords, totalOfApproval } from "../card/words.ts";

/** What came of a form that was sent: nothing yet, or why it decided nothing. */
export interface Sent {
  readonly status: number;
  readonly message: string | null;
  /** What was typed, PIN apart, so that nobody types it twice. */
  readonly fields: Fields | null;
}

/** `GET /a/<id>`: the card, and below it the decision or what it was. Looking decides nothing. */
export async function showApproval(context: PageContext, approvalId: string): Promise<Answer> {
  const approval = await context.desk.approval(approvalId);
  return approvalAnswer(context, approval, { status: 200, message: null, fields: null });
}

/** An approval as it stands now, with a word on what was just sent. */
export async function approvalAnswer(context: PageContext, approval: Approval, sent: Sent): Promise<Answer> {
  const { desk } = context;
  const said = sent.message === null ? null : banner("bad", "This did not go through", sent.message);
  const state = stateOf(approval, desk.now());
  if (state !== "pending") {
    const content = html`${said}${closedCard(approval, state, await desk.spentToday())}`;
    return { status: sent.status, page: { title: outcomeTitle(state), body: frame(desk, content) } };
  }
  const total = displayMoney(totalOfApproval(approval));
  const left = leftWords(Date.parse(approval.expiresAt) - desk.now().getTime());
  const content = html`${said}${endorsedWords(approval)}
<article class="sheet">${hero(approval, approval.lines, "Approve", left)}
${await openPart(context, approval, sent.fields)}</article>`;
  const page = { title: `Approve ${total}?`, body: frame(desk, content), script: decideScript };
  return { status: sent.status, page };
}

async function openPart(context: PageContext, approval: Approval, fields: Fields | null): Promise<Html> {
  const { desk } = context;
  const people = [...(await desk.people.names())].sort();
  const ticked = fields?.lines ?? approval.endorsed?.digests ?? approval.lines.map(({ digest }) => digest);
  const several = approval.lines.length > 1;
  const lines = lineList(approval.lines, ({ digest }) =>
    several ? { kind: "box", ticked: ticked.includes(digest) } : { kind: "only" },
  );
  const read = html`${lines}${facts(approval, await desk.spentToday(), true)}`;
  if (people.length === 0)
    return html`${read}<section class="ways"><h2>Your decision</h2><p class="warn">Nobody has a PIN on this desk yet, so nobody can decide here.
Set one in a terminal: <code>media-buyer-mcp pin</code></p></section>`;
  const held = await Promise.all(people.map((name) => desk.people.passkeys(name)));
  const passkeys = held.some((keys) => keys.length > 0);
  const ways = passkeys ? (["page", "passkey"] as const) : (["page"] as const);
  const shortfalls = await Promise.all(
    ways.map(async (via) => {
      const whys = await Promise.all(people.map((name) => desk.shortfall(approval, via, name)));
      const how = via === "page" ? "With the PIN" : "With a passkey";
      return [...new Set(whys.filter((why) => why !== null))].map((why) => `${how} this would not count: ${why}.`);
    }),
  );
  return decideForm(approval, read, {
    token: await tokenFor(context, subjects.approval(approval.approvalId)),
    people,
    person: fields?.person ?? people[0] ?? "",
    note: fields?.note ?? "",
    passkeys,
    shortfalls: shortfalls.flat(),
  });
}

function endorsedWords({ endorsed, lines }: Approval): Html | null {
  if (!endorsed) return null;
  return banner(
    "calm",
    `${endorsed.by} approved ${endorsed.digests.length} of ${counted(lines.length, "line")}`,
    "This takes two people: somebody else has to approve the same lines. Until then nothing is booked.",
  );
}
