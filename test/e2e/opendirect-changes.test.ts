import { describe, expect, test, vi } from "vitest";
import { inLong } from "../long.ts";
import { verifies } from "../requirements.ts";
import { balancesOf, kill, until } from "./booking-fixtures.ts";
import { approving, type Connection, rejecting } from "./client.ts";
import { flight } from "./fixtures.ts";
import { buy, nowOf, onOpenDirect, type OpenDirectDesk, product, quoted, seller } from "./opendirect-desk.ts";

vi.setConfig({ testTimeout: 60_000 });

/**
 * Changes of booked lines over OpenDirect 2.1 (its change requests), told through an MCP client. The seller's people decide,
 * and what the seller's own books hold is what counts.
 */

const dates = flight(3, 32);

/** A booked line of 400,000 impressions at 25.00 USD CPM: 10,000.00 USD. */
async function booked(client: Connection): Promise<string> {
  const id = await quoted(client, { flight: dates, impressions: 400_000 });
  expect((await buy(client, id)).string("status")).toBe("booked");
  return id;
}

const change = (client: Connection, id: string, args: Record<string, unknown>) =>
  client.call("update_media_buy", { media_buy_id: id, action: "change", ...args });
const volume = (impressions: number) => ({ packages: [{ package: product, impressions }] });
const micros = async ({ desk }: OpenDirectDesk) => (await balancesOf(desk))?.total.micros;
const changesAt = ({ desk }: OpenDirectDesk) => desk.sandbox.opendirect.changes(seller);
const requestsIn = ({ sent }: OpenDirectDesk) => sent("POST").filter((one) => one.includes("changerequests"));

/** The line of a change, which its own look at the seller settles. */
async function settled(client: Connection, changeId: string) {
  const reply = await nowOf(client, changeId);
  return { status: reply.at("media_buys", 0, "status"), text: reply.text };
}

async function auditIsClean({ desk }: OpenDirectDesk): Promise<void> {
  const audit = await desk.run("audit", "--verify");
  expect(audit.code, audit.stdout + audit.stderr).toBe(0);
}

describe("less", () => {
  test("needs no approval, waits for the seller's people, and gives money back once the line reads so", async () => {
    verifies("tool.update_media_buy.change");
    await onOpenDirect(async (scene) => {
      const { client, desk, lines } = scene;
      const id = await booked(client);
      const asked = client.questions.length;
      const less = await change(client, id, volume(300_000));
      expect(less.string("status"), less.text).toBe("awaiting_seller");
      expect(less.text).toContain("within what was approved");
      expect(client.questions.length).toBe(asked);
      expect(requestsIn(scene)).toEqual(["POST /accounts/…/changerequests", "POST /accounts/…/changerequests/…/lines"]);
      expect(lines()).toMatchObject([{ status: "ChangePending", qty: 400_000 }]);
      const changeId = less.string("media_buys", 0, "media_buy_id");
      expect((await settled(client, changeId)).status).toBe("awaiting_seller");
      expect(await micros(scene)).toBe(10_000_000_000n);

      const second = await change(client, id, volume(200_000));
      expect(second.text).toMatch(/^conflict: A change of .* is under way/);

      desk.sandbox.opendirect.decideChange(seller, "APPROVED");
      const done = await settled(client, changeId);
      expect(done.status, done.text).toBe("booked");
      expect(lines()).toMatchObject([{ status: "Booked", qty: 300_000 }]);
      expect(await micros(scene)).toBe(7_500_000_000n);
      const now = await client.ok("get_media_buys", { ids: [id] });
      expect(now.at("media_buys", 0, "total"), now.text).toBe("7500.00 USD");
      expect(now.at("media_buys", 0, "packages", 0, "impressions")).toBe(300_000);
      const delivery = await client.ok("get_delivery", { ids: [id] });
      expect(delivery.text).toContain("of 7,500.00 USD");
      const same = await change(client, id, volume(300_000));
      expect(same.text).toContain("already as it was asked for");

      const gone = await client.ok("update_media_buy", { media_buy_id: id, action: "cancel" });
      expect(gone.at("media_buy", "status"), gone.text).toBe("cancelled");
      expect(await micros(scene)).toBe(0n);
      await auditIsClean(scene);
    });
  });

  test("an earlier end needs no approval, and a later one asks a person", async () => {
    await onOpenDirect(async ({ client, desk, lines }) => {
      const id = await booked(client);
      const asked = client.questions.length;
      for (const [end, questions] of [
        [flight(3, 20).end, 0],
        [flight(3, 40).end, 1],
      ] as const) {
        const moved = await change(client, id, { end });
        expect(moved.string("status"), moved.text).toBe("awaiting_seller");
        expect(client.questions.length).toBe(asked + questions);
        desk.sandbox.opendirect.decideChange(seller, "APPROVED");
        const done = await settled(client, moved.string("media_buys", 0, "media_buy_id"));
        expect(done.status, done.text).toBe("booked");
        expect(new Date(lines()[0]?.endAt ?? 0).toISOString().slice(0, 10)).toBe(end);
        const now = await client.ok("get_media_buys", { ids: [id] });
        expect(now.at("media_buys", 0, "flight")).toEqual({ start: dates.start, end });
      }
    });
  });
});

describe("more", () => {
  test("asks a person on the exact new volume before anything is sent, and is booked when the line reads so", async () => {
    await onOpenDirect(async (scene) => {
      const { client, desk, lines } = scene;
      const id = await booked(client);
      const no = await desk.connect({ person: rejecting });
      const refused = await change(no, id, volume(500_000));
      expect(refused.string("status"), refused.text).toBe("rejected");
      expect(requestsIn(scene)).toEqual([]);

      const more = await change(client, id, volume(480_000));
      expect(client.questions.at(-1)).toMatch(
        /changes media buy .*its total of 10000\.00 USD becomes 12000\.00 USD; its volume of 400,000 impressions becomes 480,000; committed more than now: 2,000\.00 USD/,
      );
      expect(more.string("status"), more.text).toBe("awaiting_seller");
      expect(await micros(scene)).toBe(12_000_000_000n);
      desk.sandbox.opendirect.decideChange(seller, "APPROVED");
      const done = await settled(client, more.string("media_buys", 0, "media_buy_id"));
      expect(done.status, done.text).toBe("booked");
      expect(lines()).toMatchObject([{ status: "Booked", qty: 480_000 }]);
      // What was approved since is the new measure.
      const asked = client.questions.length;
      const less = await change(client, id, volume(450_000));
      expect(less.text).toContain("within what was approved");
      expect(client.questions.length).toBe(asked);
      await auditIsClean(scene);
    });
  });

  test("rejected by the seller's people: refused by its words, the money given back, the line as it was", async () => {
    await onOpenDirect(async (scene) => {
      const { client, desk, lines } = scene;
      const id = await booked(client);
      const more = await change(client, id, volume(480_000));
      desk.sandbox.opendirect.decideChange(seller, { reject: "No more in June." });
      const no = await settled(client, more.string("media_buys", 0, "media_buy_id"));
      expect(no.status, no.text).toBe("open");
      expect(no.text).toContain("its people rejected the change request (it says: “No more in June.”)");
      expect(lines()).toMatchObject([{ status: "Booked", qty: 400_000 }]);
      expect(await micros(scene)).toBe(10_000_000_000n);
      const now = await client.ok("get_media_buys", { ids: [id] });
      expect(now.at("media_buys", 0, "status")).toBe("booked");
      await auditIsClean(scene);
    });
  });
});

test.each(["change", "line"] as const)(
  "the answer to the %s that is lost is found again: one change request, with what it asks for once",
  async (step) => {
    verifies("promise.never_two");
    await onOpenDirect(async (scene) => {
      const { client, desk, lines } = scene;
      const id = await booked(client);
      const posted = requestsIn(scene).length;
      desk.sandbox.opendirect.lose(seller, step);
      const less = await change(client, id, volume(300_000));
      const changeId = less.string("media_buys", 0, "media_buy_id");
      await until("the seller has it", async () => (await settled(client, changeId)).status === "awaiting_seller");
      const story = await client.ok("get_history", { media_buy_id: changeId });
      expect(story.text.match(/no answer that settles it/g)).toHaveLength(1);
      expect(changesAt(scene)).toMatchObject([{ status: "PENDING", wished: { qty: 300_000 } }]);
      expect(requestsIn(scene).length - posted).toBe(2);
      desk.sandbox.opendirect.decideChange(seller, "APPROVED");
      expect((await settled(client, changeId)).status).toBe("booked");
      expect(lines()).toMatchObject([{ status: "Booked", qty: 300_000 }]);
      expect(await micros(scene)).toBe(7_500_000_000n);
    });
  },
);

/** Each takes as long as two claims to send. */
const neverArrived = inLong ? (["change", "line"] as const) : (["line"] as const);
test.each(neverArrived)("a %s that never arrived is sent once more, and is there once", async (step) => {
  await onOpenDirect(async (scene) => {
    const { client, desk } = scene;
    const id = await booked(client);
    desk.sandbox.fault(seller, { kind: "hang", operation: step, uses: 1 });
    const less = await change(client, id, volume(300_000));
    const changeId = less.string("media_buys", 0, "media_buy_id");
    await until(
      "the seller has it",
      async () => (await settled(client, changeId)).status === "awaiting_seller",
      30_000,
    );
    expect(changesAt(scene)).toMatchObject([{ status: "PENDING", wished: { qty: 300_000 } }]);
    expect(requestsIn(scene)).toHaveLength(3);
  });
});

test("what a person approved is not sent when the line was changed by others, and what they have open comes first", async () => {
  await onOpenDirect(async (scene) => {
    const { desk, client, lines } = scene;
    const id = await booked(client);
    const [line] = lines();
    if (!line) throw new Error("no line");
    // Somebody else at the buyer opens one, by the seller's own form.
    const others = () => desk.sandbox.opendirect.openChange(seller, line.id, { qty: 410_000 });
    const slow = await desk.connect({
      person: () => {
        others();
        desk.sandbox.opendirect.decideChange(seller, "APPROVED");
        return { action: "accept", content: { decision: "approve" } };
      },
    });
    const late = await change(slow, id, volume(480_000));
    expect(late.string("status"), late.text).not.toBe("booked");
    expect(requestsIn(scene)).toEqual([]);
    expect(await micros(scene)).toBe(10_000_000_000n);
    const strange = await change(client, id, volume(300_000));
    expect(strange.text).toMatch(/^conflict: .*its volume is 410000, on record is 400000\. Somebody else changed it/);
    others();
    const open = await change(client, id, volume(300_000));
    expect(open.text).toMatch(
      /^conflict: .*has a change request of this line open already, which its people decide first\. Nothing was changed/,
    );
    expect(requestsIn(scene)).toEqual([]);
  });
});

test("a request whose second write the seller refuses is withdrawn: nothing of it stays open", async () => {
  await onOpenDirect(async (scene) => {
    const { client, behave, lines, sent } = scene;
    const id = await booked(client);
    behave({ inventory: 0 });
    const more = await change(client, id, volume(480_000));
    expect(more.string("status"), more.text).toBe("refused");
    expect(more.text).toContain("its words: “The quantity is not available any more.”");
    expect(sent("DELETE")).toEqual(["DELETE /accounts/…/changerequests/…"]);
    expect(changesAt(scene)).toEqual([]);
    expect(lines()).toMatchObject([{ status: "Booked", qty: 400_000 }]);
    expect(await micros(scene)).toBe(10_000_000_000n);
  });
});

test("approved, and the line reads otherwise: an incident, by what the line says", async () => {
  await onOpenDirect(async (scene) => {
    const { client, desk, behave } = scene;
    const id = await booked(client);
    behave({ laterDays: 2 });
    const less = await change(client, id, { ...volume(300_000), end: flight(3, 30).end });
    expect(less.string("status"), less.text).toBe("awaiting_seller");
    desk.sandbox.opendirect.decideChange(seller, "APPROVED");
    const other = await settled(client, less.string("media_buys", 0, "media_buy_id"));
    expect(other.status, other.text).toBe("terms_mismatch");
    expect(other.text).toMatch(/flight\.start was approved as \d{4}-\d\d-\d\d, the seller booked \d{4}-\d\d-\d\d/);
    const more = await change(client, id, volume(350_000));
    expect(more.isError || more.string("status") !== "booked", more.text).toBe(true);
  });
});

test("approved, and the line still reads as before: nobody believes it yet, and nothing comes back", async () => {
  await onOpenDirect(async (scene) => {
    const { client, desk, behave } = scene;
    const id = await booked(client);
    const less = await change(client, id, volume(300_000));
    behave({ ignoresChanges: true });
    desk.sandbox.opendirect.decideChange(seller, "APPROVED");
    const still = await settled(client, less.string("media_buys", 0, "media_buy_id"));
    expect(still.status, still.text).toBe("awaiting_seller");
    expect(await micros(scene)).toBe(10_000_000_000n);
  });
});

test("what it cannot do is said before anything is sent", async () => {
  await onOpenDirect(async (scene) => {
    const { client, desk, behave } = scene;
    const id = await booked(client);
    behave({ changes: false });
    const never = await change(client, id, volume(300_000));
    expect(never.text).toMatch(
      /^unsupported_by_seller: citylight serves no change requests: a booked line is cancelled there, and nothing else/,
    );
    behave({ changes: true });
    const pause = await client.call("update_media_buy", { media_buy_id: id, action: "pause" });
    expect(pause.text).toMatch(
      /^unsupported_by_seller: .* does not allow pause now; it allows update_impressions, update_flight_dates\. Nothing was sent/,
    );
    const budget = await change(client, id, { packages: [{ package: product, budget: "5000.00 USD" }] });
    expect(budget.text).toMatch(/^invalid_arguments: .*it is bought by impressions at its seller's rate/);
    const strange = await change(client, id, { packages: [{ package: `${seller}/888803`, impressions: 1 }] });
    expect(strange.text).toMatch(/^invalid_arguments: .* has no package/);
    expect(requestsIn(scene)).toEqual([]);

    // Over a restart it is one change all the same, and a cancellation waits until it is decided.
    const less = await change(client, id, volume(300_000));
    await client.close();
    const later = await desk.connect({ person: approving });
    const early = await later.call("update_media_buy", { media_buy_id: id, action: "cancel" });
    expect(early.isError, early.text).toBe(true);
    desk.sandbox.opendirect.decideChange(seller, "APPROVED");
    expect((await settled(later, less.string("media_buys", 0, "media_buy_id"))).status).toBe("booked");
    expect(changesAt(scene)).toHaveLength(1);
  });
});

test.each(["camel", "pascal"] as const)("a seller that writes %s case is asked in it", async (dialect) => {
  await onOpenDirect(async (scene) => {
    const { client, desk, behave, lines } = scene;
    behave({ dialect });
    const id = await booked(client);
    const less = await change(client, id, volume(300_000));
    expect(less.string("status"), less.text).toBe("awaiting_seller");
    desk.sandbox.opendirect.decideChange(seller, "APPROVED");
    expect((await settled(client, less.string("media_buys", 0, "media_buy_id"))).status).toBe("booked");
    expect(lines()).toMatchObject([{ qty: 300_000 }]);
  });
});

test("with inventory reserved before a person is asked, a change is still asked about first", async () => {
  await onOpenDirect(
    async (scene) => {
      const { client, desk } = scene;
      const id = await booked(client);
      const no = await desk.connect({ person: rejecting });
      const refused = await change(no, id, volume(500_000));
      expect(refused.string("status"), refused.text).toBe("rejected");
      expect(requestsIn(scene)).toEqual([]);
      const more = await change(client, id, volume(500_000));
      expect(more.string("status"), more.text).toBe("awaiting_seller");
    },
    {
      config: (standard) => ({
        ...standard,
        booking: { ...Object(standard["booking"]), hold_before_approval: true },
      }),
    },
  );
});

/** Each takes as long as a claim to send lasts. */
test.concurrent.each(inLong ? (["change", "line"] as const) : [])(
  "a server that is killed while the seller is at work on the %s: the next one goes on, to one change request",
  async (step) => {
    await onOpenDirect(async (scene) => {
      const { client, desk } = scene;
      const id = await booked(client);
      await client.close();
      const first = await desk.spawn({ person: approving });
      desk.sandbox.fault(seller, { kind: "slow", operation: step, ms: 700, uses: 1 });
      const changing = change(first, id, volume(300_000)).catch(() => null);
      await until("the seller has it", () => requestsIn(scene).length === (step === "change" ? 1 : 2));
      kill(first);
      await changing;
      const second = await desk.connect({ person: approving });
      const isAsked = async () => {
        await second.ok("get_media_buys", { refresh: true });
        return changesAt(scene).some(({ wished }) => wished !== null);
      };
      await until("the seller was asked", isAsked, 50_000, 500);
      expect(changesAt(scene)).toMatchObject([{ status: "PENDING", wished: { qty: 300_000 } }]);
      expect(requestsIn(scene)).toHaveLength(2);
    });
  },
);
