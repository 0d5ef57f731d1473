import type { Approval, ApprovalStatus } from "../domain/approval.ts";
import { banner, facts, hero, lineList, type Today } from "./card.ts";
import { type Html, html } from "./html.ts";
import { counted, instantWords, viaWords } from "./words.ts";

/** How an approval ended. */
type Ended = Exclude<ApprovalStatus, "pending"> | "expired";

/** One word for the outcome, for a title. */
export function outcomeTitle(ended: Ended): string {
  return ended === "approved" || ended === "partly_approved" ? "Approved" : "Closed";
}

/**
 * The card of an approval that is over: what became of it, and of each line.
 * @param next what happens with the lines that were approved
 */
export function closedCard(approval: Approval, ended: Ended, today: Today | null, next = onItsWay): Html {
  const { decided, lines } = approval;
  const chosen = lines.filter(({ digest }) => decided?.digests.includes(digest));
  const verb = chosen.length > 0 ? "Approved" : decided ? "Rejected" : "Was asked for";
  return html`${outcome(approval, ended, next)}
<article class="sheet">${hero(approval, chosen.length > 0 ? chosen : lines, verb, null)}
${lineList(lines, ({ digest }) =>
  decided ? { kind: "outcome", approved: decided.digests.includes(digest) } : { kind: "plain" },
)}
${facts(approval, today, false)}</article>`;
}

const onItsWay = "The order goes to the seller now; your assistant gets the deal IDs.";

function outcome(approval: Approval, ended: Ended, next: string): Html {
  const { decided, lines } = approval;
  const all = counted(lines.length, "line");
  const how = decided ? `${decided.by} decided ${viaWords[decided.via]}, ${instantWords(decided.at)}.` : "";
  const note = decided?.note ? html` <q>${decided.note}</q>` : null;
  switch (ended) {
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
    case "void": {
      const why = approval.voidWhy ?? "it was closed";
      return banner("calm", "Void", `No longer open: ${why}. Nothing was booked; your assistant can ask again.`);
    }
  }
}
