import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReadStream, WriteStream } from "node:tty";
import { terminalOf } from "../commands/terminal.ts";
import { version } from "../version.ts";
import { briefFor } from "./brief.ts";
import { tellCampaign } from "./campaign.ts";
import { ask, buyAgain, mandateOf, negotiate, showDeals, showMoney, showTrail } from "./deal.ts";
import { connect, DemoFailure, type Link } from "./link.ts";
import { market } from "./market.ts";
import { type Page, pageOn } from "./page.ts";
import { type Person, personAt, scriptedPerson } from "./person.ts";
import { type SellerOrder, tellStory } from "./story.ts";
import { type Storyboard, storyOf } from "./storyboard.ts";

export interface DemoOptions {
  /** Which way of AdCP to tell; null for the demo with the IAB sellers. */
  readonly storyboard: Storyboard | null;
  /** Whether a campaign over every seller is told instead. */
  readonly campaign: boolean;
  /** How this program is started again, as the server. */
  readonly command: string;
  readonly main: string;
  readonly input: ReadStream;
  readonly output: WriteStream;
  /** False where the user asked for none (`NO_COLOR`), or the terminal has none. */
  readonly colours: boolean;
  /** Ends the sandbox sellers that the server started for this data directory. */
  readonly endSandbox: (dataHome: string) => Promise<void>;
  /** Plays one of those sellers: its human signs what waits, or time passes there. */
  readonly playSeller: (dataHome: string, order: SellerOrder) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * The whole job on sandbox sellers: a real MCP client talks to this server over stdio, from discovery to booked deals.
 * The desk is a fresh one in a temporary directory; neither the user's config nor their data is touched.
 * @returns 0 when the story came to its end, whatever the person decided; 1 when something failed; 130 interrupted
 */
export async function demo(options: DemoOptions): Promise<number> {
  const { input, output, colours } = options;
  const terminal = terminalOf(input, output, "you");
  const page = pageOn((text) => output.write(text), output.columns, colours && output.isTTY === true);
  const gone = new AbortController();
  // Whoever reads this through a pipe may have seen enough.
  output.on("error", () => gone.abort());
  const signal = AbortSignal.any([options.signal, gone.signal]);
  const person = terminal.interactive ? personAt(terminal, page, signal) : scriptedPerson(page);
  let dataHome: string | null = null;
  let link: Link | null = null;
  let timesAsked = 0;
  try {
    dataHome = await mkdtemp(join(tmpdir(), "media-buyer-demo-"));
    const home = dataHome;
    const story = options.storyboard === null ? null : storyOf(options.storyboard, new Date());
    page.title(
      `media-buyer-mcp ${version}: ${options.campaign ? "a campaign over four channels" : (story?.title ?? "from a brief to booked deals")}`,
      "SANDBOX: no real money",
    );
    link = await connect({
      command: options.command,
      args: [options.main, "--sandbox", "--data-dir", dataHome],
      version,
      decide: (card) => {
        timesAsked += 1;
        return person.decide(card);
      },
      signal,
    });
    const playSeller = (order: SellerOrder) => options.playSeller(home, order);
    if (options.campaign) {
      introduce(link, page, "every sandbox seller, each in its own protocol,");
      const left = await tellCampaign({ link, page, playSeller });
      if (left) await notBooked(link, page, left.status);
      else ending(page, `One brief, one decision by ${who(person)}, every line booked once.`);
    } else if (story === null) await tell(link, page, person);
    else {
      introduce(link, page, "the sandbox sellers that speak AdCP");
      const unbought = await tellStory({ link, page, playSeller }, story);
      if (unbought) await notBooked(link, page, unbought.status);
      else ending(page, `One media buy of ${story.parts.length} products booked as approved by ${who(person)}, once.`);
    }
    if (timesAsked !== 1) throw new DemoFailure(`The person was asked ${timesAsked} times for one decision.`);
    return 0;
  } catch (error) {
    if (signal.aborted) {
      page.say("\nInterrupted. Nothing outside this machine was bought or told.", "bad");
      return 130;
    }
    const known = error instanceof DemoFailure;
    page.say(`\nThe demo failed: ${known ? error.message : String(error)}`, "bad");
    page.say("It ran against sandbox sellers only; nothing real was bought.");
    const log = link?.log();
    if (log) page.say(`\nThe server's last words:\n${log}`, "faint");
    return 1;
  } finally {
    await link?.close();
    if (dataHome !== null) {
      await options.endSandbox(dataHome).catch(() => undefined);
      await rm(dataHome, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    }
  }
}

async function tell(link: Link, page: Page, person: Person): Promise<void> {
  const brief = briefFor(new Date());
  introduce(link, page, "three sandbox sellers speaking the IAB seller agent's protocol");
  page.heading("The brief");
  page.say(brief.words);
  const picks = await market(link, page, brief);
  const agreed = await negotiate(link, page, brief, picks);
  const bought = await ask(link, page, brief, agreed);
  if (bought.nothing_booked) return notBooked(link, page, bought.status);
  showDeals(page, bought, agreed);
  const committed = await showMoney(link, page, agreed);
  await buyAgain(link, page, brief, bought, agreed, committed);
  const [first] = agreed;
  if (first) await showTrail(link, page, brief, bought, first);
  ending(
    page,
    `${agreed.length} deals booked at the negotiated prices, approved by ${who(person)}, each exactly once.`,
  );
}

function introduce(link: Link, page: Page, sellers: string): void {
  page.say(
    `A script plays the AI assistant. The rest is the product itself: an MCP client (protocol ${link.protocol}), this server over stdio, and ${sellers} over HTTP on this machine.`,
    "faint",
  );
}

function who({ real }: Person): string {
  return real ? "you" : "the scripted person";
}

function ending(page: Page, outcome: string): void {
  page.heading("Done");
  page.say(outcome, "good");
  page.say("To buy from your own assistant, start this server from its MCP settings: see README.md.");
  page.say("To call the tools by hand, with the MCP Inspector: see docs/inspector.md.");
}

/** A rejection, or no decision, is an end like any other: nothing may be booked, and that is checked. */
async function notBooked(link: Link, page: Page, status: string): Promise<void> {
  const expected = status === "rejected" || status === "awaiting_approval";
  const { committed_today: committed } = await mandateOf(link);
  if (!expected || !/^0(\.0+)? /.test(committed)) {
    throw new DemoFailure(`The buy is ${status.replaceAll("_", " ")}, with ${committed} committed.`);
  }
  page.heading(status === "rejected" ? "Rejected" : "Left open");
  page.say(
    status === "rejected"
      ? "A person rejected it, so nothing was booked and nothing was spent. The quotes stay open."
      : "Nobody decided, so nothing was booked and nothing was spent. On a desk of your own the approval would wait for you until it expires; this demo's desk ends here.",
  );
  page.say(`Committed against the mandate: ${committed}.`);
}
