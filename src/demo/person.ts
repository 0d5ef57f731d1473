import type { Terminal } from "../commands/terminal.ts";
import type { Page } from "./page.ts";

type Decision = "approve" | "reject" | null;

/** Whoever answers the approval card; null is no decision. */
export interface Person {
  readonly real: boolean;
  decide(card: string): Promise<Decision>;
}

const ASK_AGAIN = 3;

/** The person at the terminal. Nothing is taken for an approval but the word itself. */
export function personAt(terminal: Terminal, page: Page, signal: AbortSignal): Person {
  return {
    real: true,
    decide: async (card) => {
      page.box(card);
      page.gap();
      for (let tries = 0; tries < ASK_AGAIN; tries += 1) {
        const typed = await terminal.question(
          page.toned("   Type approve or reject (Enter leaves it open): ", "ask"),
          signal,
        );
        const word = typed?.toLowerCase() ?? "";
        if (word === "approve" || word === "reject") return word;
        if (word === "") return null;
        page.say(`"${word.slice(0, 20)}" is neither. Nothing was decided yet.`);
      }
      return null;
    },
  };
}

/** Without a terminal nobody can be asked; a script answers, and says that it does. */
export function scriptedPerson(page: Page): Person {
  return {
    real: false,
    decide: async (card) => {
      page.box(card);
      page.gap();
      page.say(
        "There is no terminal here, so nobody can be asked: a SCRIPTED person approves. Run the demo in a terminal and it stops here and asks you.",
        "ask",
      );
      return "approve";
    },
  };
}
