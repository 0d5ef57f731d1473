import type { Approval } from "../domain/approval.ts";
import { displayMoney } from "../domain/money.ts";
import { type Fields, stateOf } from "./asked.ts";
import { facts, hero, lineList } from "./card.ts";
import { type Answer, type PageContext, subjects, tokenFor } from "./context.ts";
import { decideForm } from "./decide-form.ts";
import { type Html, html } from "./html.ts";
import { banner, frame } from "./layout.ts";
import { decideScript } from "./script.ts";
import { counted, instantWords, leftWords, totalOfTerms, viaWords } from "./words.ts";

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
  if (stateOf(approval, desk.now()) !== "pending") return closedAnswer(context, approval, sent.status, said);
  const total = displayMoney(totalOfTerms(approval.lines.map(({ terms }) => terms)));
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

async function closedAnswer(
  { desk }: PageContext,
  approval: Approval,
  status: number,
  said: Html | null,
): Promise<Answer> {
  const { decided, lines } = approval;
  const chosen = lines.filter(({ digest }) => decided?.digests.includes(digest));
  const verb = chosen.length > 0 ? "Approved" : decided ? "Rejected" : "Was asked for";
  const content = html`${said}${outcome(approval, stateOf(approval, desk.now()))}
<article class="sheet">${hero(approval, chosen.length > 0 ? chosen : lines, verb, null)}
${lineList(lines, ({ digest }) =>
  decided ? { kind: "outcome", approved: decided.digests.includes(digest) } : { kind: "plain" },
)}
${facts(approval, await desk.spentToday(), false)}</article>`;
  const title = chosen.length > 0 ? "Approved" : "Closed";
  return { status, page: { title, body: frame(desk, content) } };
}

function outcome(approval: Approval, state: ReturnType<typeof stateOf>): Html {
  const { decided, lines } = approval;
  const all = counted(lines.length, "line");
  const how = decided ? `${decided.by} decided ${viaWords[decided.via]}, ${instantWords(decided.at)}.` : "";
  const note = decided?.note ? html` <q>${decided.note}</q>` : null;
  const next = "The order goes to the seller now; your assistant gets the deal IDs.";
  switch (state) {
    case "approved":
      return banner("good", `Approved: ${lines.length === 1 ? "1 line" : `all ${all}`}`, html`${how} ${next}${note}`);
    case "partly_approved":
      return banner("good", `Approved: ${decided?.digests.length ?? 0} of ${all}`, html`${how} ${next}${note}`);
    case "rejected":
      return banner("bad", "Rejected", html`${how} Nothing was booked.${note}`);
    case "expired": {
      const until = instantWords(approval.expiresAt);
      return banner("calm", "Expired", `Nobody decided by ${until}. Nothing was booked; your assistant can ask again.`);
    }
    default: {
      const why = approval.voidWhy ?? "it was closed";
      return banner("calm", "Void", `No longer open: ${why}. Nothing was booked; your assistant can ask again.`);
    }
  }
}
