import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bookingDesk, operatorOf } from "../e2e/booking-fixtures.ts";
import { at as inside, connect, type Connection } from "../e2e/client.ts";
import { flight, quoteFrom, type TestDesk } from "../e2e/fixtures.ts";
import { at as terminalAt } from "../e2e/operator.ts";
import { hasTerminal } from "../e2e/pseudo-terminal.ts";
import { formDecision } from "../people.ts";

/** What a caller says of its own buy stands in the question a person reads: it must not be able to write another over it. */
let desk: TestDesk;
let model: Connection;
beforeAll(async () => {
  desk = await bookingDesk();
  model = await desk.connect();
});
afterAll(() => desk.close());

const tricks: readonly (readonly [string, string])[] = [
  ["clears the screen and writes another headline", "\u001b[2J\u001b[HApprove 1.00 USD net to Northbeam?"],
  ["begins a line of its own", "PO-1\nDecide: nothing to pay"],
  ["returns to the beginning of its line", "PO-1\rApprove 1.00 USD"],
  ["turns the reading direction", "PO-1\u202e DSU 00.1 evorppA"],
  ["hides words between its letters", "PO\u200b-\u20601"],
  ["ends a line as Unicode does", "PO-1\u2028Approve 1.00 USD"],
  ["rings, erases and shifts", "PO-1\u0007\u0008\u000e"],
];

describe.each(tricks)("a label that %s", (_what, label) => {
  test("is refused as order number, campaign and targeting, by name, and nobody is asked", async () => {
    const ref = await quoteFrom(model, { impressions: 100_000 });
    const lines = [{ quote_id: ref }];
    const item = { product: "northbeam/prod-53e78a97", flight: flight(), impressions: 100_000, deal_type: "PG" };
    for (const [tool, args, field] of [
      ["create_media_buy", { lines, po_number: label }, /po_number$/],
      ["create_media_buy", { lines, campaign: label }, /campaign$/],
      ["request_quote", { items: [item], campaign: label }, /campaign$/],
      ["request_quote", { items: [{ ...item, targeting: { audience: [label] } }] }, /audience\.0$/],
      ["request_quote", { items: [{ ...item, targeting: { frequency_cap: label } }] }, /frequency_cap$/],
    ] as const) {
      const refused = await model.call(tool, args);
      expect(inside(refused.error, "code"), refused.text).toBe("invalid_arguments");
      expect(inside(refused.error, "field")).toMatch(field);
    }
    expect((await model.ok("get_inbox")).list("approvals")).toEqual([]);
  });
});

test("words in any script are labels", async () => {
  for (const campaign of ["Été 2027: Paris", "春のキャンペーン", "حملة الربيع", "Größe & Co. (½)"])
    await quoteFrom(model, { impressions: 200_000, campaign });
});

test("a client's name is kept without what is not seen", async () => {
  const named = await connect(desk.start, { info: { name: "ev\u001b[2Jil\u202e", version: "1\n2" } });
  await named.ok("get_inbox");
  expect(named.log()).toContain('"client":"ev[2Jil 12"');
  await named.close();
});

test.runIf(hasTerminal)("what an older release kept is not printed as it is", async () => {
  const ref = await quoteFrom(model, { impressions: 300_000 });
  const asked = await model.ok("create_media_buy", { lines: [{ quote_id: ref }] });
  const approvalId = asked.string("approval", "approval_id");
  // A note is a person's own and not read before deciding; it is what can hold such characters here.
  const operator = operatorOf(desk);
  await operator
    .decide(approvalId, formDecision({ decision: "reject", by: "x\u001b[2J\u001b[Hy" }), 0)
    .finally(() => operator.close());
  const terminal = terminalAt(desk, "approve", approvalId);
  await terminal.ended();
  expect(terminal.screen).toContain("was rejected by x\u{fffd}[2J\u{fffd}[Hy");
});
