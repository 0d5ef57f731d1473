import type { Case, Edit } from "./copy.ts";

/** A protection that is taken out of the source, and the cases that must then fail. */
export interface Weakness {
  /** What a server so weakened does. */
  readonly name: string;
  /** Several where one promise has several layers: each is taken away. */
  readonly edits: readonly Edit[];
  readonly caughtBy: readonly Caught[];
}

export interface Caught extends Case {
  /** Said by the assertion that must not hold: a case that fails over something else has caught nothing. */
  readonly says: RegExp;
}

const requestState = "test/attacks/request-state.test.ts";
const selfApproval = "test/attacks/self-approval.test.ts";
const lostAnswers = "test/attacks/lost-answers.test.ts";
const binding = "test/e2e/approval-binding.test.ts";
const interop = "test/e2e/approval-interop.test.ts";
const decisions = "test/e2e/decisions.test.ts";
const mandate = "test/e2e/booking-mandate.test.ts";
const changedTerms = "test/e2e/booking-changed-terms.test.ts";
const twoProcesses = "test/e2e/booking-two-processes.test.ts";
const ledgerProcesses = "test/ledger/processes.test.ts";
const passkey = "test/page/passkey.test.ts";

export const quick: Weakness = {
  name: "takes an answer for one although no question was asked",
  edits: [
    {
      file: "src/tools/ask.ts",
      take: "if (asked?.approvalId !== approval.approvalId || asked.shortCode !== approval.shortCode) return null;",
      give: "if (asked && asked.approvalId !== approval.approvalId) return null;",
    },
  ],
  caughtBy: [
    {
      file: requestState,
      name: "an answer to a question nobody was asked without a state it is no answer: the person is asked",
      says: /"status":"booked".* expected false to be true/s,
    },
    {
      file: requestState,
      name: "an answer to a question nobody was asked the same through approve",
      says: /to not include 'booked'/,
    },
  ],
};

/** Each takes away one thing that a promise about approvals rests on. */
export const selfApprovals: readonly Weakness[] = [
  {
    name: "takes an answer without a state, whoever it comes from",
    edits: quick.edits,
    caughtBy: [
      {
        file: selfApproval,
        name: "no argument approves a client that says more of itself than it is, or answers in _meta, decides nothing",
        says: /to not include 'booked'/,
      },
      {
        file: binding,
        name: "an answer without the state of a question is none: the person is asked",
        says: /expected 'complete' to be 'input_required'/,
      },
      {
        file: binding,
        name: "a client that declared no forms cannot answer one",
        says: /expected 'booked' to be 'awaiting_approval'/,
      },
    ],
  },
  {
    name: "overlooks arguments that it does not know",
    edits: [
      { file: "src/tools/approve.ts", take: "input: z.strictObject({", give: "input: z.object({" },
      { file: "src/tools/create-media-buy.ts", take: "input: z.strictObject({", give: "input: z.object({" },
    ],
    caughtBy: [
      {
        file: selfApproval,
        name: "no argument approves every tool refuses what it does not know, at every place of its arguments",
        says: /approve \{"approve":true\}.*to be 'invalid_arguments'/s,
      },
      {
        file: selfApproval,
        name: "no argument approves the schemas as listed: closed objects, and none with a word for deciding",
        says: /"quote_id".*: expected undefined to be false/s,
      },
    ],
  },
  {
    name: "has an argument by which the model decides",
    edits: [
      {
        file: "src/tools/approve.ts",
        take: "approval_id: z.string().max(60),",
        give: 'approval_id: z.string().max(60), decision: z.literal("approve").optional(),',
      },
      {
        file: "src/tools/approve.ts",
        take: "async ({ approval_id: approvalId, wait_s: waitS }, desk, call) => {",
        give: "async ({ approval_id: approvalId, wait_s: waitS, decision }, desk, call) => {",
      },
      {
        file: "src/tools/approve.ts",
        take: "  return settle(desk, call, approvalId, refs);",
        give: `  if (decision) {
            const decidedAt = new Date().toISOString();
            const word = { via: "form", by: "somebody", principal: null, wordOf: "client" } as const;
            await desk.decide(approvalId, { ...word, decision, decidedAt, digests: null, note: null, signature: null }, 9_000);
          }
          return settle(desk, call, approvalId, refs);`,
      },
    ],
    caughtBy: [
      {
        file: selfApproval,
        name: "no argument approves every tool refuses what it does not know, at every place of its arguments",
        says: /approve \{"decision":"approve"\}: .*booked.*to be 'invalid_arguments'/s,
      },
      {
        file: selfApproval,
        name: "no argument approves the schemas as listed: closed objects, and none with a word for deciding",
        says: /'decision'/,
      },
    ],
  },
  {
    name: "takes the answer to one approval for the answer to another",
    edits: [
      {
        file: "src/tools/ask.ts",
        take: "if (asked?.approvalId !== approval.approvalId || asked.shortCode !== approval.shortCode) return null;",
        give: "if (!asked) return null;",
      },
    ],
    caughtBy: [
      {
        file: requestState,
        name: "a state of one approval with another call the id of another approval",
        says: /"status":"booked".* expected false to be true/s,
      },
    ],
  },
  {
    name: "takes an answer about some lines for other lines",
    edits: [
      {
        file: "src/tools/create-media-buy.ts",
        take: "return same && approval.poNumber === poNumber ?",
        give: "return approval.poNumber === poNumber ?",
      },
    ],
    caughtBy: [
      {
        file: requestState,
        name: "a state of one approval with another call other quotes: asked anew, nothing booked",
        says: /"status":"booked".* expected false to be true/s,
      },
      {
        file: requestState,
        name: "a state of one approval with another call more quotes: asked anew, nothing booked",
        says: /"status":"booked".* expected false to be true/s,
      },
      {
        file: requestState,
        name: "a state of one approval with another call fewer quotes: asked anew, nothing booked",
        says: /"status":"booked".* expected false to be true/s,
      },
      {
        file: binding,
        name: "an answer to another question does not count for this one",
        says: /booked.*to be 'input_required'/s,
      },
    ],
  },
  {
    name: "does not compare the purchase order that was approved",
    edits: [
      {
        file: "src/tools/create-media-buy.ts",
        take: "return same && approval.poNumber === poNumber ?",
        give: "return same ?",
      },
    ],
    caughtBy: [
      {
        file: requestState,
        name: "a state of one approval with another call a PO number: asked anew, nothing booked",
        says: /"status":"booked".* expected false to be true/s,
      },
      {
        file: requestState,
        name: "a state of one approval with another call no PO number: asked anew, nothing booked",
        says: /"status":"booked".* expected false to be true/s,
      },
      {
        file: binding,
        name: "the same line with another purchase order is another question",
        says: /booked.*to be 'input_required'/s,
      },
    ],
  },
  {
    name: "reads a state without checking who signed it",
    edits: [
      {
        file: "src/server.ts",
        take: "requestState: { verify: async (state, context) => (await states()).verify(state, context) },",
        give: 'requestState: { verify: async (state) => JSON.parse(Buffer.from(state.slice(3).split(".")[0] ?? "", "base64url").toString("utf8")).p },',
      },
    ],
    caughtBy: [
      {
        file: requestState,
        name: "an answer to a question nobody was asked a state that was changed, cut, made up or signed by another desk is refused before any tool runs",
        says: /expected '\{"result":\{"content".* to match .*invalid_request_state/s,
      },
    ],
  },
  {
    name: "signs states with a key that every desk has",
    edits: [{ file: "src/server.ts", take: "key: await desk.stateKey(),", give: "key: new Uint8Array(32)," }],
    caughtBy: [
      {
        file: requestState,
        name: "an answer to a question nobody was asked a state that was changed, cut, made up or signed by another desk is refused before any tool runs",
        says: /expected '\{"result":\{"_meta".* to match .*invalid_request_state/s,
      },
    ],
  },
  {
    name: "takes a form that does not say reject for an approval",
    edits: [
      {
        file: "src/tools/ask.ts",
        take: 'decision: z.enum(["approve", "reject"]).meta({ title: "Decision" }),',
        give: 'decision: z.enum(["approve", "reject"]).catch("approve").meta({ title: "Decision" }),',
      },
    ],
    caughtBy: [
      { file: binding, name: "a decision in other letters decides nothing", says: /expected 1 to be \+?0/ },
      {
        file: interop,
        name: "a 1.x client over stdio that 'accepts an empty form' decides nothing",
        says: /to contain 'did not fit the form'/,
      },
    ],
  },
  {
    name: "reads what stands in a form that was declined",
    edits: [
      { file: "src/tools/ask.ts", take: 'if (action !== "accept")', give: 'if (action !== "accept" && !content)' },
    ],
    caughtBy: [
      {
        file: interop,
        name: "a 2.x legacy client over stdio that 'declines with an approving content' decides nothing",
        says: /to contain 'the client declined the question'/,
      },
    ],
  },
  {
    name: "lets a way of deciding count beyond its limit",
    edits: [{ file: "src/buying/decision.ts", take: "if (shortfall)\n", give: "if (shortfall === undefined)\n" }],
    caughtBy: [
      {
        file: mandate,
        name: "a channel counts up to its limit a channel that is not set decides nothing, whoever says that a person answered",
        says: /promise resolved .* instead of rejecting/s,
      },
    ],
  },
  {
    name: "counts one person as two",
    edits: [
      {
        file: "src/buying/decision.ts",
        take: "if (endorsed.by === decision.by) {",
        give: "if (endorsed.by === null) {",
      },
    ],
    caughtBy: [
      {
        file: decisions,
        name: "above the limit of one person a second one must approve, and only then it is sent",
        says: /promise resolved .* instead of rejecting/s,
      },
    ],
  },
  {
    name: "asks for no proof of a decision at the terminal or on the page",
    edits: [
      {
        file: "src/buying/decision.ts",
        take: "if (!signedChannels.includes(decision.via)) return;",
        give: "if (decision) return;",
      },
    ],
    caughtBy: [
      {
        file: decisions,
        name: "a signature over another decision, or by nobody, decides nothing",
        says: /promise resolved .* instead of rejecting/s,
      },
      {
        file: decisions,
        name: "a decision written into the ledger past this program, signed by a key that is nobody's here, books nothing",
        says: /to be 'refused'/,
      },
    ],
  },
  {
    name: "does not look at the proof again before it sends",
    edits: [
      {
        file: "src/buying/send.ts",
        take: "return approval.decided?.digests.includes(digest) === true && proofHolds(ports, approval);",
        give: "return approval.decided?.digests.includes(digest) === true;",
      },
    ],
    caughtBy: [
      {
        file: decisions,
        name: "a decision written into the ledger past this program, signed by a key that is nobody's here, books nothing",
        says: /to be 'refused'/,
      },
      {
        file: decisions,
        name: "a second person does not make up for a first one who was forged",
        says: /to be 'refused'/,
      },
    ],
  },
  {
    name: "takes a passkey's answer to any challenge",
    edits: [
      {
        file: "src/people/passkey.ts",
        take: "expectedChallenge: challengeOf(text),",
        give: "expectedChallenge: () => true,",
      },
    ],
    caughtBy: [
      {
        file: passkey,
        name: "deciding with a passkey a signature for one approval is none for another, nor twice for its own",
        says: /expected 200 to be 403/,
      },
    ],
  },
];

export const replays: readonly Weakness[] = [
  {
    name: "carries a decision out each time it is made",
    edits: [
      { file: "src/buying/approve.ts", take: 'if (status === "void")\n', give: "if (!approval)\n" },
      { file: "src/buying/approve.ts", take: 'if (status !== "pending")\n', give: "if (!approval)\n" },
      {
        file: "src/buying/approve.ts",
        take: 'if (loaded?.line.status !== "awaiting_approval" || loaded.line.approvalId !== approval.approvalId) {',
        give: "if (!loaded) {",
      },
      {
        file: "src/domain/approval.ts",
        take: 'if (before?.status !== "pending")\n',
        give: 'if (before?.status !== "pending" && event.kind !== "approval_decided")\n',
      },
      {
        file: "src/domain/media-buy.ts",
        take: 'booking_started: { from: ["open", "awaiting_approval"], to: "approved" },',
        give: 'booking_started: { from: ["open", "awaiting_approval", "approved", "sending", "booked"], to: "approved" },',
      },
      {
        file: "src/domain/line-refusals.ts",
        take: 'if (before.status === "awaiting_approval" && approvalId !== before.approvalId) {',
        give: "if (!approvalId) {",
      },
    ],
    caughtBy: [
      {
        file: requestState,
        name: "a state of one approval with another call the state of an approval that another request replaced does not revive it",
        says: /to not include 'booked'/,
      },
      {
        file: requestState,
        name: "a state of one approval with another call the state of a rejected approval does not revive it",
        says: /to not include 'booked'/,
      },
      {
        file: requestState,
        name: "an approved call, replayed ten times at once, in two processes, and with more lines: one deal",
        says: /expected \[ 'booked', 'sending' \] to include/,
      },
    ],
  },
  {
    name: "does not know a decided approval again, and leaves it to its lines",
    edits: [
      { file: "src/buying/approve.ts", take: 'if (status !== "pending")\n', give: 'if (status === "rejected")\n' },
    ],
    caughtBy: [
      {
        file: changedTerms,
        name: "between the decision and the sending 'the price rises': nothing is sent, and the money is given back",
        says: /approval_used/,
      },
    ],
  },
  {
    name: "takes a decision after the time to decide",
    edits: [
      {
        file: "src/buying/approve.ts",
        take: "  if (Date.parse(approval.expiresAt) <= ports.now().getTime()) {",
        give: '  if (approval.expiresAt === "") {',
      },
      {
        file: "src/buying/decision.ts",
        take: "if (!(Date.parse(decision.decidedAt) <= Date.parse(approval.expiresAt)))",
        give: 'if (approval.expiresAt === "")',
      },
    ],
    caughtBy: [
      {
        file: changedTerms,
        name: "while the person thinks the time to decide runs out: the late answer books nothing",
        says: /expected 'booked' to be 'expired'/,
      },
    ],
  },
  {
    name: "does not compare what was shown with what is, when a person decides",
    edits: [
      {
        file: "src/buying/approve.ts",
        take: "if (now.digest === shown.digest || noWorse(shown.terms, now.terms)) continue;",
        give: "if (now) continue;",
      },
    ],
    caughtBy: [
      {
        file: changedTerms,
        name: "while the person thinks 'the seller raises the price': terms_changed, the approval is void, and a fresh one is for the new price",
        says: /to be 'void'/,
      },
    ],
  },
  {
    name: "does not compare what was approved with what is, before it sends",
    edits: [{ file: "src/buying/send.ts", take: 'if (worse) return refuse("terms_changed", worse);', give: "" }],
    caughtBy: [
      {
        file: changedTerms,
        name: "between the decision and the sending 'the price rises': nothing is sent, and the money is given back",
        says: /expected \[ 'refused', 'terms_changed' \] to include/,
      },
    ],
  },
];

export const races: readonly Weakness[] = [
  {
    name: "goes on as if it had written what another process wrote first",
    edits: [
      {
        file: "src/buying/lines.ts",
        take: "    if (rows.length === 0) return result;\n",
        // The pause holds the race open: two processes that are told the same at one moment are both in it, every time.
        give: `    if (rows.length === 0) return result;
    const kinds = rows.flatMap(({ entries }) => entries.map(({ kind }) => kind));
    const isRace = kinds.includes("approval_decided") || kinds.includes("send_claimed");
    if (isRace) await ports.sleep(1_000);
`,
      },
      {
        file: "src/buying/lines.ts",
        take: "if (!(error instanceof LedgerConflict) || attempt >= 100) throw error;",
        give: "if (isRace && error instanceof LedgerConflict) return result;\n      if (attempt >= 100) throw error;",
      },
      // The look before sending would mostly find the quote booked by the one that was first.
      { file: "src/buying/send.ts", take: 'if (worse) return refuse("terms_changed", worse);', give: "" },
    ],
    caughtBy: [
      {
        file: twoProcesses,
        name: "both told to buy at the same moment: one deal a quote, whoever was first",
        says: /expected (2 to be 1|([7-9]|1[0-2]) to be 6)/,
      },
    ],
  },
  {
    name: "writes two rows for one version of a stream",
    edits: [{ file: "src/ledger/sqlite.ts", take: ", unique (stream, version))`", give: ")`" }],
    caughtBy: [
      {
        file: ledgerProcesses,
        name: "several processes on one ledger file two that open a new file at once and append 300 times each to one stream make 600 versions",
        says: /to deeply equal/,
      },
    ],
  },
  {
    name: "sends what another process has claimed and is sending",
    edits: [
      {
        file: "src/buying/watcher.ts",
        take: 'if (status === "approved") await sendLine',
        give: 'if (status !== "booking_unknown") await sendLine',
      },
      {
        file: "src/buying/send.ts",
        take: '(line) => line.status === "approved", false)',
        give: '(line) => line.status === "approved" || line.status === "sending", false)',
      },
      {
        file: "src/domain/media-buy.ts",
        take: 'send_claimed: { from: ["approved", "booking_unknown"], to: "sending" },',
        give: 'send_claimed: { from: ["approved", "sending", "booking_unknown"], to: "sending" },',
      },
    ],
    caughtBy: [
      {
        file: twoProcesses,
        name: "a process that starts during a slow booking sends nothing",
        says: /expected (2 to be 1|'booked' to be 'sending'|.* to deeply equal \[ 'booking_started', 'send_claimed' \])/,
      },
    ],
  },
  {
    name: "answers a lost answer by sending again at once",
    edits: [
      {
        file: "src/buying/send.ts",
        take: "    else await unknown(ports, claimed, error.message);",
        give: "    else if (resend) await unknown(ports, claimed, error.message);\n    else await transmit(ports, claimed, booking, seller, true);",
      },
    ],
    caughtBy: [
      {
        file: lostAnswers,
        name: "a seller that commits after the caller has given up is not sent the booking again",
        says: /expected 'booked' to be 'booking_unknown'/,
      },
    ],
  },
  {
    name: "waits no settling time before it sends again",
    edits: [
      {
        file: "src/buying/settle.ts",
        take: "return isQuiet(ports, last) && line.seenAvailable >= 2;",
        give: "return line.seenAvailable >= 2;",
      },
    ],
    caughtBy: [
      {
        file: lostAnswers,
        name: "a seller that commits after the caller has given up is not sent the booking again",
        says: /expected 2 to be 1/,
      },
    ],
  },
  {
    name: "does not weigh the day's limit again when it approves",
    edits: [
      {
        file: "src/buying/decision.ts",
        take: 'if (!mandate || weighed.outcome === "refused") {',
        give: "if (!mandate) {",
      },
    ],
    caughtBy: [
      {
        file: mandate,
        name: "limits of a day, met by two processes at once approvals whose sum is too much: what fits is booked, the rest is refused",
        says: /to have a length of 3 but got 8/,
      },
    ],
  },
];
