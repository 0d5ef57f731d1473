import { describe, expect, test } from "vitest";
import { type AuditReport, audit } from "../../src/audit/audit.ts";
import type { ExportHead } from "../../src/audit/jsonl.ts";
import { auditPage } from "../../src/audit/page.ts";
import { anchor } from "../../src/buying/anchor.ts";
import { dealRow, firstLineRow, lineRow, loadLine, spendRow } from "../../src/buying/lines.ts";
import type { Ports } from "../../src/buying/ports.ts";
import type { Deal, SellerWait } from "../../src/domain/deal.ts";
import { type BookingStart, foldLine, type LineEvent } from "../../src/domain/media-buy.ts";
import type { Quote } from "../../src/domain/quote.ts";
import { type Holding, noBalances } from "../../src/domain/spend.ts";
import { digestOf, type Terms, totalOf } from "../../src/domain/terms.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { memoryLedger } from "../../src/ledger/memory.ts";
import { bookedAs, budgetDeal, budgetQuote, budgetRequest, budgetTerms, video, views } from "../unit/sample-budget.ts";
import { usd } from "../unit/sample.ts";

/** How long the seller of these lines answers the same bytes alike. */
const wire = {
  version: "3.1",
  replaySeconds: 3_600,
  account: "{}",
  brand: "{}",
  proposalId: null,
  insertionOrder: null,
  refined: null,
  accepts: null,
};
const sold: Quote = { ...budgetQuote(), wire };
const terms = budgetTerms();
const ref = sold.ref;

/** What happened to a line, each so many minutes after the one before. */
type Life = readonly (readonly [minutes: number, event: LineEvent])[];

const claim = (resend: boolean): LineEvent => ({
  ...{ kind: "send_claimed", v: 1, attempt: 1, holder: "p1", until: "2026-11-20T10:01:00.000Z", resend },
});
const unknown: LineEvent = { kind: "booking_unknown", v: 1, attempt: 1, why: "timeout" };
const looked: LineEvent = { kind: "booking_looked_up", v: 1, attempt: 1, found: "available" };
const ready: LineEvent = { kind: "seller_ready", v: 1, attempt: 1 };
const waits = (what: SellerWait["for"]): LineEvent => ({
  ...{ kind: "seller_waits", v: 1, attempt: 1 },
  wait: { for: what, taskId: "t-1", mediaBuyId: null, url: null, sellerSaid: "", expectedBy: null },
});
const booked = (deal: Deal = budgetDeal): LineEvent => ({ kind: "booking_confirmed", v: 1, attempt: 1, deal });
const resent: Life = [
  [1, unknown],
  [1, looked],
  [1, claim(true)],
];

/** A ledger in which one line, started within the auto-approval limits, lived so, written as this program writes it. */
async function ledgerOf(life: Life, of: { readonly quote?: Quote; readonly terms?: Terms } = {}): Promise<AuditReport> {
  let now = Date.parse("2026-11-20T10:00:00Z");
  let ids = 0;
  const newId = () => {
    ids += 1;
    return `id-${ids}`;
  };
  const ledger = memoryLedger({ now: () => new Date(now), newId });
  const ports = portsOn(ledger, () => new Date(now), newId);
  const { quote = sold, terms: approved = terms } = of;
  await ledger.append([
    firstLineRow(ref, "flow", {
      kind: "quoted",
      v: 1,
      quote,
      request: budgetRequest,
      campaign: null,
      by: "local",
      renews: null,
    }),
  ]);
  const holding: Holding = {
    ...{ ref, attempt: 1, amount: totalOf(approved), day: "2026-11-20", via: "auto", sellerId: "pinnacle" },
    ...{ channel: null, channels: { ctv: usd("30000"), online_video: usd("20000") }, campaign: null },
  };
  const booking: BookingStart = {
    ...{
      attempt: 1,
      key: "key",
      digest: digestOf(approved),
      terms: approved,
      approvalId: null,
      via: "auto",
      by: "limits",
    },
    request: { method: "POST", path: "/mcp", body: "{}" },
    holding,
  };
  const started = lineRow(ports, await loadLine(ports, ref), { kind: "booking_started", v: 1, booking });
  await ledger.append([
    started,
    spendRow(ports, { version: 0, balances: noBalances("USD") }, "flow", [{ kind: "reserved", v: 1, holding }]),
  ]);
  for (const [minutes, event] of life) {
    now += minutes * 60_000;
    const loaded = await loadLine(ports, ref).catch(() => null);
    const claims = event.kind === "booking_confirmed" ? [dealRow(ref, `pinnacle/${event.deal.dealId}`, "flow")] : [];
    await ledger.append([
      loaded ? rowAnyway(ports, loaded, event) : forged(event, (await ledger.read(`quote/${ref}`)).length + 1),
      ...claims,
    ]);
  }
  await anchor(ports, "flow");
  return audit("acme", await ledger.history({}), {
    signatures: { verify: async () => false },
    mandate: null,
    noted: [],
  });
}

/** The row of an entry that this program would write; of any other, the row that somebody would who forges it. */
function rowAnyway(ports: Ports, loaded: Awaited<ReturnType<typeof loadLine>>, event: LineEvent) {
  try {
    foldLine(loaded.line, event, ports.now().toISOString());
  } catch {
    return forged(event, loaded.version + 1);
  }
  return lineRow(ports, loaded, event);
}

const comesTo: Readonly<Partial<Record<LineEvent["kind"], string>>> = {
  ...{
    send_claimed: "sending",
    seller_waits: "awaiting_seller",
    seller_ready: "approved",
    booking_confirmed: "booked",
  },
};

function forged(event: LineEvent, version: number) {
  const status = comesTo[event.kind] ?? "booking_unknown";
  return { stream: `quote/${ref}`, version, kind: "quote", status, flowId: "flow", entries: [event] };
}

function portsOn(ledger: Ledger, now: () => Date, newId: () => string): Ports {
  const none = () => Promise.reject(new Error("not needed here"));
  return {
    settings: {
      ...{ name: "acme", command: "", advertiser: "Acme", sandbox: false, mandate: null, principals: [], buyer: {} },
      ...{
        revealFrom: null,
        approvalMinutes: 30,
        settleAfterMs: 1,
        claimMs: 1,
        followEveryMs: 1,
        holdBeforeApproval: false,
      },
    },
    ledger,
    cache: { get: none, set: none, delete: none, clear: none },
    directory: {
      all: none,
      find: none,
      resolved: none,
      verified: none,
      search: none,
      evidence: none,
      introduce: none,
      connect: () => {
        throw new Error("no seller is called here");
      },
    },
    strategies: [],
    signatures: { verify: async () => false },
    holder: "p1",
    now,
    newId,
    sleep: none,
    log: () => undefined,
  };
}

const findingsOf = async (...given: Parameters<typeof ledgerOf>) =>
  (await ledgerOf(...given)).findings.map(({ stream, what }) => `${stream} ${what}`);
const again: Life = [[0, claim(false)], ...resent, ...resent, ...resent];

describe("what was sent again", () => {
  test("is in order as often as its seller still knows the bytes, where it answers the same alike", async () => {
    expect(await findingsOf([...again, [1, booked()]])).toEqual([]);
    expect(await findingsOf([...again, [50, unknown], [0, looked], [0, claim(true)], [0, booked()]])).toEqual([]);
  });

  test("is not, once the seller need not know them any more, or never said how long it does", async () => {
    const late = `quote/${ref} was sent again when its seller no longer had to know the first`;
    expect(await findingsOf([...again, [60, unknown], [0, looked], [0, claim(true)], [0, booked()]])).toEqual([late]);
    expect(await findingsOf([...again, [1, booked()]], { quote: budgetQuote() })).toContain(late);
  });

  test("is not, without a look before it that found nothing booked", async () => {
    const blind: Life = [
      [0, claim(false)],
      [1, unknown],
      [0, claim(true)],
      [0, booked()],
    ];
    expect(await findingsOf(blind)).toEqual([`quote/${ref} was sent again without a look that found nothing booked`]);
    const gone: Life = [
      [0, claim(false)],
      [1, unknown],
      [0, { ...looked, found: "gone" } as LineEvent],
      [0, claim(true)],
    ];
    expect(await findingsOf(gone)).toHaveLength(1);
  });

  test("is sent twice at most to any other seller", async () => {
    const other = { ...terms, seller: { ...terms.seller, protocol: "iab-seller-agent" } };
    const found = await findingsOf([...again, [1, booked()]], { terms: other });
    expect(found).toContain(`quote/${ref} was sent a third time`);
    expect(found).toContain(`quote/${ref} was sent twice without two looks that found it still free`);
  });
});

describe("a buy that its seller keeps waiting", () => {
  const forgedAt = (why: string) => [
    expect.stringContaining(`quote/${ref} cannot have been written by this desk: ${why}`),
  ];

  test("is in order however long it waits, once sent; and sent only once the account is open", async () => {
    const days: Life = [
      [1, waits("decision")],
      [5_000, waits("confirmation")],
      [5_000, booked()],
    ];
    expect(await findingsOf([[0, claim(false)], ...days])).toEqual([]);
    expect(await findingsOf([...again, ...days])).toEqual([]);
    const account: Life = [[0, claim(false)], [0, waits("account")], [5_000, ready], [0, claim(false)], ...days];
    expect(await findingsOf(account)).toEqual([]);
  });

  test("was not sent again because its seller is ready, unless it waited for its account", async () => {
    for (const what of ["decision", "confirmation", "signature"] as const)
      expect(
        await findingsOf([
          [0, claim(false)],
          [1, waits(what)],
          [1, ready],
          [0, claim(false)],
        ]),
      ).toEqual(forgedAt("what was sent is not sent again"));
    // What was sent does not become unsent by waiting for an account after all.
    expect(
      await findingsOf([
        [0, claim(false)],
        [1, waits("decision")],
        [1, waits("account")],
      ]),
    ).toEqual(forgedAt("what was sent does not wait for an account"));
    expect(await findingsOf([...again, [1, waits("account")], [1, ready]])).toEqual(
      forgedAt("what was sent does not wait for an account"),
    );
  });

  test("is no booking where nothing was sent", async () => {
    expect(
      await findingsOf([
        [0, claim(false)],
        [0, waits("account")],
        [1, booked()],
      ]),
    ).toEqual(expect.arrayContaining(forgedAt("what waits for its account was not sent")));
    expect(
      await findingsOf([
        [0, claim(false)],
        [0, waits("account")],
        [1, waits("decision")],
      ]),
    ).toEqual(forgedAt("what was not sent waits for its account only"));
    expect(await findingsOf([[0, waits("decision")]])).toEqual(forgedAt("seller_waits cannot come after approved"));
    const unsent: Life = [
      [0, claim(false)],
      [0, waits("account")],
      [1, ready],
      [0, waits("decision")],
      [1, booked()],
    ];
    expect((await findingsOf(unsent))[0]).toContain("seller_waits cannot come after approved");
  });

  test("is not booked as approved with other packages than those", async () => {
    const dear = { ...budgetDeal, packages: [bookedAs(video, { budget: usd("31000") }), bookedAs(views)] };
    expect(
      await findingsOf([
        [0, claim(false)],
        [1, waits("decision")],
        [1, booked(dear)],
      ]),
    ).toEqual([`quote/${ref} says it was booked as approved, but budget of vid 30000.00 USD became 31000.00 USD`]);
  });
});

describe("the page of an audit", () => {
  const scope = { campaign: null, since: null, until: null };
  const head: ExportHead = { audit: 1, desk: "acme", sandbox: false, scope, exported_at: "2026-11-20T12:00:00.000Z" };
  const pageOf = async (life: Life) => auditPage(await ledgerOf(life), { head, advertiser: "Acme", mandate: null });
  const rowsOf = (page: string) =>
    [...page.matchAll(/<tr><th>(Package [^<]*|Product|Total, net)<\/th>(.*?)<\/tr>/gs)].map(([, label, cells = ""]) => [
      label,
      ...[...cells.matchAll(/<td(?: class="(\w*)")?>(.*?)<\/td>/gs)].map(
        ([, bad, text]) => `${bad ? "BAD " : ""}${text}`,
      ),
    ]);

  test("shows every package with its price, what it promises and what was booked, and each wait", async () => {
    const page = await pageOf([
      [0, claim(false)],
      [1, waits("decision")],
      [600, booked()],
    ]);
    const rest = "<br>at least 85 % of plays completed<br>on pinnacle.example<br>creatives spot-30";
    expect(rowsOf(page)).toEqual([
      ["Product", "vid, views", ""],
      ["Package vid", `30,000.00 USD, 31.50 USD CPM, 952,380 impressions${rest}`, "30,000.00 USD"],
      [
        "Package views",
        `20,000.00 USD, a bid of at most 0.05 USD per completed view, at least 400,000 completed views${rest}`,
        "20,000.00 USD, a bid of 0.05 USD",
      ],
      ["Total, net", "50,000.00 USD", "50,000.00 USD"],
    ]);
    expect(page).toContain("the seller&#39;s people have to decide or sign (task t-1)");
  });

  test("marks what was booked otherwise, what is missing, what nobody asked for, and a total that was not said", async () => {
    const packages = [
      bookedAs(views, { bid: usd("0.06"), budget: null }),
      { packageId: "pkg-9", productId: "radio", option: null, budget: usd("5"), bid: null },
    ];
    const deal = { ...budgetDeal, packages, total: null };
    const rows = rowsOf(
      await pageOf([
        [0, claim(false)],
        [1, booked(deal)],
      ]),
    );
    expect(rows.map(([label, , is]) => [label, is])).toEqual([
      ["Product", ""],
      ["Package vid", "BAD missing"],
      ["Package views", "BAD budget not stated, a bid of 0.06 USD"],
      ["Package pkg-9", "BAD 5.00 USD"],
      ["Total, net", "BAD not stated"],
    ]);
  });

  test("shows what was not booked yet as open", async () => {
    const rows = rowsOf(
      await pageOf([
        [0, claim(false)],
        [1, waits("decision")],
      ]),
    );
    expect(rows.map(([, , is]) => is)).toEqual(["—", "—", "—", "—"]);
  });
});
