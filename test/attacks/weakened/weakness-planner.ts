import type { Weakness } from "./weakness.ts";

const plannerRights = "test/attacks/planner-rights.test.ts";
const plannerLimits = "test/planner/limits.test.ts";
const plannerResearch = "test/planner/research.test.ts";

/** Each lets the model that plans do, tell or take more. */
export const planners: readonly Weakness[] = [
  {
    name: "lets the planner ask to buy",
    edits: [
      {
        file: "src/domain/principal.ts",
        take: 'scopes: ["buy:read", "buy:quote"],',
        give: 'scopes: ["buy:read", "buy:quote", "buy:write"],',
      },
    ],
    caughtBy: [
      {
        file: plannerRights,
        name: "a specialist that wants to buy would be refused by the server itself, were its calls passed on",
        says: /expected true to be false/,
      },
    ],
  },
  {
    name: "lets the planner word what sellers read",
    edits: [
      {
        file: "src/planner/toolbox.ts",
        take: "found.research.withheld.find((path) => holds(given.data, stepsOf(path)));",
        give: "[...found.research.withheld].find(() => false);",
      },
    ],
    caughtBy: [
      {
        file: plannerRights,
        name: "a specialist that was talked into telling has no argument for words to search a kit by",
        says: /to deeply equal|to strictly equal/,
      },
    ],
  },
  {
    name: "believes the planner's quotes, whoever they were given to",
    edits: [
      {
        file: "src/planner/llm.ts",
        take: "answer.recommended.filter(({ quote_id: ref }) => seen.has(ref));",
        give: "answer.recommended.filter(({ quote_id: ref }) => seen.size > 0 || seen.has(ref));",
      },
    ],
    caughtBy: [
      {
        file: plannerResearch,
        name: "a specialist recommends no quote it was not given",
        says: /to have a length of 1 but got 3/,
      },
    ],
  },
  {
    name: "holds what a request may cost only while it is under way",
    edits: [
      {
        file: "src/planner/account.ts",
        take: "spend: (used) => settle(1, countOf(used), costOf(used, prices)),",
        give: "spend: (used) => settle(1, countOf(used), 0n),",
      },
    ],
    caughtBy: [
      {
        file: plannerLimits,
        name: "what planning a campaign may take holds for its cost over all channels at once",
        says: /max_cost/,
      },
    ],
  },
];
