import { describe, expect, test } from "vitest";
import { book, days, display, flightDesk, sentTo } from "./adcp-flight.ts";
import { requestsAreValid } from "./adcp-sellers.ts";
import { verifies } from "../requirements.ts";
import { balancesOf } from "./booking-fixtures.ts";
import { approving, rejecting, type Reply } from "./client.ts";
import { flight, quoteFrom, startDesk } from "./fixtures.ts";

const on = flightDesk();

/** The newest buy in a seller's books. */
const newest = (seller = "openbid") => {
  const buy = on.desk.sandbox.adcp.buys(seller).at(-1);
  if (!buy) throw new Error("nothing is booked");
  return buy;
};
const change = (id: string, packages: readonly Record<string, unknown>[], more = {}): Promise<Reply> =>
  on.client.call("update_media_buy", { media_buy_id: id, action: "change", packages, ...more });
const auction = display.product;
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const committed = async () => {
  const { text } = await on.client.ok("get_inbox");
  return /[\d,.]+ USD committed today/.exec(text)?.[0] ?? expect.fail(text);
};

describe("bids", () => {
  test("lower needs no approval, up to what was approved neither; above it a person is asked, on the exact state", async () => {
    verifies("tool.update_media_buy.change", "adcp.update.bid", "adcp.update.effect");
    const id = await book(on.client);
    const asked = on.client.questions.length;
    const lower = await change(id, [{ package: auction, max_bid: "5.00 USD" }]);
    expect(lower.text).toContain("within what was approved");
    expect(lower.at("status")).toBe("booked");
    expect(newest().packages[0]).toMatchObject({ bid_price: 5, budget: 9000 });
    const back = await change(id, [{ package: auction, max_bid: "6.00 USD" }]);
    expect(back.text).toContain("within what was approved");
    expect(on.client.questions.length).toBe(asked);

    const higher = await change(id, [{ package: auction, max_bid: "7.00 USD" }]);
    expect(on.client.questions.length).toBe(asked + 1);
    expect(on.client.questions.at(-1)).toMatch(
      /changes media buy .*: bid 6\.00 USD becomes 7\.00 USD; committed more than now: 0\.00 USD/,
    );
    expect(higher.at("status"), higher.text).toBe("booked");
    expect(higher.at("media_buy", "packages", 0, "bid")).toBe("7.00 USD");
    expect(newest().packages[0]).toMatchObject({ bid_price: 7, budget: 9000 });
    // What was approved since is the new measure.
    const again = await change(id, [{ package: auction, max_bid: "6.50 USD" }]);
    expect(again.text).toContain("within what was approved");
    expect(on.client.questions.length).toBe(asked + 1);
    const same = await change(id, [{ package: auction, max_bid: "6.50 USD" }]);
    expect(same.text).toContain("already as it was asked for");
  });

  test("nothing above what was approved is sent without a decision, or after a no", async () => {
    const id = await book(on.client, { ...display, budget: "4000.00 USD" });
    const before = newest().revision;
    const silent = await on.desk.connect();
    const waiting = await silent.ok("update_media_buy", {
      ...{ media_buy_id: id, action: "change", packages: [{ package: auction, max_bid: "9.00 USD" }] },
    });
    expect(waiting.at("status")).toBe("awaiting_approval");
    const no = await on.desk.connect({ person: rejecting });
    const refused = await no.ok("update_media_buy", {
      ...{ media_buy_id: id, action: "change", packages: [{ package: auction, budget: "4000.01 USD" }] },
    });
    expect(refused.at("status")).toBe("rejected");
    expect(newest().revision).toBe(before);
    const floor = await change(id, [{ package: auction, max_bid: "4.00 USD" }]);
    expect(floor.text).toMatch(/^below_minimum/);
    const volume = await change(id, [{ package: auction, impressions: 1_000 }]);
    expect(volume.text).toMatch(
      /^invalid_arguments: .*it is bought for a budget, so that its budget is what is changed/,
    );
    const cap = await change(id, [{ package: auction, daily_cap: "100.00 USD" }]);
    expect(cap.text).toMatch(/^unsupported_by_seller: openbid takes no cap a day: its protocol has no field for one/);
    expect(newest().revision).toBe(before);
  });
});

test("a package is named by its id, its product or the product's reference; the seller is sent its id and no product", async () => {
  verifies("adcp.update.package_named");
  const id = await book(on.client, { ...display, budget: "1600.00 USD" });
  const listed = await on.client.ok("get_media_buys", { ids: [id] });
  const packageId = listed.string("media_buys", 0, "packages", 0, "package_id");
  const product = newest().packages[0]?.product_id ?? expect.fail("no package");
  const names = { [packageId]: "5.90 USD", [product]: "5.80 USD", [auction]: "5.70 USD" };
  for (const [name, bid] of Object.entries(names)) {
    const done = await change(id, [{ package: name, max_bid: bid }]);
    expect(done.at("media_buy", "packages", 0, "bid"), done.text).toBe(bid);
  }
  const sent = sentTo(on.desk).filter(({ task }) => task === "update_media_buy");
  expect(sent.slice(-3).map(({ args }) => args["packages"])).toEqual(
    [5.9, 5.8, 5.7].map((bid_price) => [{ package_id: packageId, bid_price }]),
  );
  const strange = await change(id, [{ package: "openbid/viewable_display", max_bid: "5.00 USD" }]);
  expect(strange.text).toMatch(
    /^invalid_arguments: .* has no package "openbid\/viewable_display"; it has .*Nothing was changed/,
  );
});

describe("money", () => {
  test("less gives money back once it is read back; more than was left is approved anew; cancelling gives back all", async () => {
    verifies("adcp.update.budget", "tool.update_media_buy.change");
    const start = await committed();
    const id = await book(on.client, { ...display, budget: "3000.00 USD" });
    const asked = on.client.questions.length;
    await change(id, [{ package: auction, budget: "2000.00 USD" }]);
    expect(on.client.questions.length).toBe(asked);
    expect(newest().packages[0]?.budget).toBe(2000);
    const story = await on.client.ok("get_history", { media_buy_id: id });
    expect(story.text).toContain("1,000.00 USD given back");
    const more = await change(id, [{ package: auction, budget: "2500.00 USD" }]);
    expect(on.client.questions.length).toBe(asked + 1);
    expect(on.client.questions.at(-1)).toContain("committed more than now: 500.00 USD");
    expect(more.at("media_buy", "total")).toBe("2500.00 USD");
    const listed = await on.client.ok("get_media_buys", { ids: [id] });
    expect(listed.at("media_buys", 0, "total")).toBe("2500.00 USD");
    const gone = await on.client.ok("update_media_buy", { media_buy_id: id, action: "cancel" });
    expect(gone.at("media_buy", "status")).toBe("cancelled");
    expect(newest().status).toBe("canceled");
    expect(await committed()).toEqual(start);
  });

  test("what was spent before a cancellation stays committed", async () => {
    const micros = async () => (await balancesOf(on.desk))?.total.micros ?? 0n;
    const start = await micros();
    const id = await book(on.client, { ...display, budget: "6000.00 USD" });
    on.desk.sandbox.adcp.pass("openbid", days(11));
    const spent = newest().packages.reduce((sum, one) => sum + one.spend, 0);
    expect(spent).toBeGreaterThan(0);
    await on.client.ok("update_media_buy", { media_buy_id: id, action: "cancel" });
    expect((await micros()) - start).toBe(BigInt(Math.round(spent * 100)) * 10_000n);
    const story = await on.client.ok("get_history", { media_buy_id: id });
    expect(story.text).toContain("was spent until then and stays committed");
  });

  test("a shift between packages at an equal total is approved anew", async () => {
    verifies("adcp.update.reallocate");
    const other = { product: "openbid/viewable_display", budget: "2000.00 USD", pricing_option: "vcpm_fixed" };
    const id = await book(on.client, { ...display, budget: "2000.00 USD", with: [other] });
    const asked = on.client.questions.length;
    const moved = await change(id, [
      { package: auction, budget: "1500.00 USD" },
      { package: other.product, budget: "2500.00 USD" },
    ]);
    expect(on.client.questions.length, moved.text).toBe(asked + 1);
    expect(newest().packages.map(({ budget }) => budget)).toEqual([1500, 2500]);
    const fixed = await change(id, [{ package: other.product, max_bid: "5.00 USD" }]);
    expect(fixed.text).toContain("is fixed, there is no bid to change");
  });
});

test("pause and resume need no approval, and are read back", async () => {
  verifies("adcp.update.pause", "adcp.pending.valid_actions");
  const id = await book(on.client, { ...display, budget: "1000.00 USD" });
  const early = await on.client.call("update_media_buy", { media_buy_id: id, action: "resume" });
  expect(early.text).toMatch(
    /^unsupported_by_seller: .* does not allow resume now; it allows pause,.*Nothing was sent/,
  );
  on.desk.sandbox.adcp.pass("openbid", days(3));
  const asked = on.client.questions.length;
  const paused = await on.client.ok("update_media_buy", { media_buy_id: id, action: "pause" });
  expect(paused.at("status"), paused.text).toBe("booked");
  expect(newest().status).toBe("paused");
  const again = await on.client.ok("update_media_buy", { media_buy_id: id, action: "pause" });
  expect(again.text).toContain("already as it was asked for");
  await on.client.ok("update_media_buy", { media_buy_id: id, action: "resume" });
  expect(newest().status).toBe("active");
  expect(on.client.questions.length).toBe(asked);
});

test("a later end is approved anew, an earlier one not", async () => {
  const id = await book(on.client, { ...display, budget: "1100.00 USD" });
  const asked = on.client.questions.length;
  await change(id, [], { end: flight(1, 20).end, packages: undefined });
  expect(on.client.questions.length).toBe(asked);
  const later = await change(id, [], { end: flight(1, 40).end, packages: undefined });
  expect(on.client.questions.length, later.text).toBe(asked + 1);
  expect(later.at("media_buy", "status")).toBe("booked");
  const { end } = flight(1, 40);
  expect(later.at("media_buy", "flight", "end")).toBe(end);
  const plan = await on.client.ok("get_media_buys", { ids: [id], plan: true });
  expect(plan.at("plan", 0, "rows", 0, "flight", "end"), plan.text).toBe(end);
  expect(plan.at("plan", 0, "total")).toBe("1100.00 USD");
});

test("a budget that was changed is the one that is planned with", async () => {
  verifies("tool.media_plan");
  const id = await book(on.client, { ...display, budget: "1150.00 USD" });
  await change(id, [{ package: auction, budget: "1000.00 USD" }]);
  const plan = await on.client.ok("get_media_buys", { ids: [id], plan: true });
  expect(plan.at("plan", 0, "total"), plan.text).toBe("1000.00 USD");
});

test("somebody else changed the buy at the seller: nothing is written over", async () => {
  const id = await book(on.client, { ...display, budget: "1200.00 USD" });
  const buy = newest();
  on.desk.sandbox.adcp.touch("openbid", buy.media_buy_id, { budget: 5000 });
  const reply = await change(id, [{ package: auction, max_bid: "5.00 USD" }]);
  expect(reply.text).toMatch(/^conflict: .*is not what this desk has on record/);
  expect(newest().packages[0]).toMatchObject({ budget: 5000, bid_price: 6 });
});

test("a buy whose revision moves while the person reads is changed on the newest one, if its money is what it was", async () => {
  const id = await book(on.client, { ...display, budget: "1300.00 USD" });
  const buy = newest();
  const slow = await on.desk.connect({
    person: () => {
      // While the person reads, the buy moves on at its seller.
      on.desk.sandbox.adcp.touch("openbid", buy.media_buy_id, {});
      return { action: "accept", content: { decision: "approve" } };
    },
  });
  const args = { media_buy_id: id, action: "change", packages: [{ package: auction, max_bid: "8.00 USD" }] };
  const first = await slow.ok("update_media_buy", args);
  // The revision moved, the money did not: what was approved is what is sent, on the newest revision.
  expect(first.at("status"), first.text).toBe("booked");
  expect(newest().packages[0]?.bid_price).toBe(8);
});

test("a stale revision: the seller's refusal is believed, nothing is written over, and asking again works", async () => {
  const id = await book(on.client, { ...display, budget: "1350.00 USD" });
  const { media_buy_id: deal } = newest();
  on.desk.sandbox.fault("openbid", { kind: "slow", operation: "change", uses: 1, ms: 1_500 });
  const args = { media_buy_id: id, action: "change", packages: [{ package: auction, max_bid: "5.00 USD" }] };
  const [first] = await Promise.all([
    on.client.ok("update_media_buy", args),
    later(700).then(() => on.desk.sandbox.adcp.touch("openbid", deal)),
  ]);
  expect(first.at("status"), first.text).toBe("refused");
  expect(first.text).toContain(
    "CONFLICT: openbid did not change it (CONFLICT): the media buy was changed since it was read",
  );
  expect(newest().packages[0]?.bid_price).toBe(6);
  const again = await on.client.ok("update_media_buy", args);
  expect(again.at("status"), again.text).toBe("booked");
  expect(newest().packages[0]?.bid_price).toBe(5);
});

test("an answer lost on the way: one change at the seller", async () => {
  const id = await book(on.client, { ...display, budget: "1400.00 USD" });
  const { revision } = newest();
  on.desk.sandbox.fault("openbid", { kind: "drop-answer", operation: "change", uses: 1 });
  await on.client.call("update_media_buy", {
    ...{ media_buy_id: id, action: "change", packages: [{ package: auction, budget: "1000.00 USD" }] },
  });
  await expect
    .poll(
      async () => (await on.client.ok("get_media_buys", { ids: [id], refresh: true })).at("media_buys", 0, "total"),
      {
        timeout: 20_000,
      },
    )
    .toBe("1000.00 USD");
  expect(newest().packages[0]?.budget).toBe(1000);
  expect(newest().revision).toBe(revision + 1);
});

test("a guaranteed seller's people decide on a change; until they do the buy is as it was", async () => {
  const id = await book(on.client, { product: "streamhaus/sports_preroll_q2_guaranteed", budget: "20000.00 USD" });
  on.desk.sandbox.adcp.sign("streamhaus");
  await on.client.ok("get_media_buys", { ids: [id], refresh: true });
  const asked = on.client.questions.length;
  const product = "streamhaus/sports_preroll_q2_guaranteed";
  const less = await change(id, [{ package: product, budget: "15000.00 USD" }]);
  expect(less.at("status"), less.text).toBe("awaiting_seller");
  expect(on.client.questions.length).toBe(asked);
  expect(newest("streamhaus").packages[0]?.budget).toBe(20000);
  const second = await change(id, [{ package: product, budget: "14000.00 USD" }]);
  expect(second.text).toMatch(/^conflict: A change of .* is under way/);
  on.desk.sandbox.adcp.sign("streamhaus");
  const waiting = less.string("media_buys", 0, "media_buy_id");
  await on.client.ok("get_media_buys", { ids: [waiting], refresh: true });
  const listed = await on.client.ok("get_media_buys", { ids: [id] });
  expect(listed.at("media_buys", 0, "total")).toBe("15000.00 USD");
  expect(newest("streamhaus").packages[0]?.budget).toBe(15000);
});

test("an IAB seller's deals are cancelled and nothing else", async () => {
  const other = await startDesk({ sandbox: { sellers: ["northbeam"] } });
  try {
    const person = await other.connect({ person: approving });
    const id = await quoteFrom(person);
    await person.ok("create_media_buy", { lines: [{ quote_id: id }] });
    const paused = await person.call("update_media_buy", { media_buy_id: id, action: "pause" });
    expect(paused.text).toMatch(/^unsupported_by_seller: northbeam changes no booked deal/);
  } finally {
    await other.close();
  }
});

test("what stands after a change is not what was approved: an incident, with the money that is really bound", async () => {
  const id = await book(on.client, { ...display, budget: "1500.00 USD" });
  const { media_buy_id: deal } = newest();
  on.desk.sandbox.fault("openbid", { kind: "slow", operation: "change", uses: 1, ms: 1_500, when: "after" });
  const args = { media_buy_id: id, action: "change", packages: [{ package: auction, max_bid: "5.00 USD" }] };
  const [reply] = await Promise.all([
    on.client.ok("update_media_buy", args),
    later(700).then(() => on.desk.sandbox.adcp.touch("openbid", deal, { budget: 1700 })),
  ]);
  expect(reply.at("status"), reply.text).toBe("terms_mismatch");
  expect(reply.text).toContain("was approved as 1500.00 USD, the seller booked 1700.00 USD");
  expect(reply.at("media_buy", "total")).toBe("1700.00 USD");
  const more = await change(id, [{ package: auction, max_bid: "6.00 USD" }]);
  expect(more.isError || more.at("status") !== "booked", more.text).toBe(true);
  const gone = await on.client.ok("update_media_buy", { media_buy_id: id, action: "cancel" });
  expect(gone.at("media_buy", "status"), gone.text).toBe("cancelled");
});

test("the audit finds nothing wrong with any of it", async () => {
  const audit = await on.desk.run("audit", "--verify");
  expect(audit.stdout + audit.stderr).not.toMatch(/gives back|was started|makes no sense|twice/);
  expect(audit.code, audit.stdout + audit.stderr).toBe(0);
});

requestsAreValid(() => sentTo(on.desk), { "3.0": 0, "3.1": 10 }, "update_media_buy");
