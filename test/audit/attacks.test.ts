import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { audit } from "../../src/audit/audit.ts";
import { auditPage } from "../../src/audit/page.ts";
import { markText } from "../../src/domain/anchor.ts";
import type { Signature } from "../../src/domain/decision.ts";
import { policyDigest } from "../../src/domain/policy.ts";
import { decodeEntries, encodeEntries } from "../../src/ledger/entries.ts";
import { memoryLedger } from "../../src/ledger/memory.ts";
import type { StoredRow } from "../../src/ledger/rows.ts";
import { everyNth } from "../long.ts";
import { edited, madeAnew, withForgedBooking } from "./forger.ts";
import { playStory, rowsOf, type Story } from "./story.ts";

// A ledger is audited hundreds of times here.
vi.setConfig({ testTimeout: 60_000 });

let story: Story;
/** The mark of the whole story, as somebody noted it. */
let noted: string;

beforeAll(async () => {
  story = await playStory();
  noted = markText((await auditOf(story.stored)).now);
}, 60_000);
afterAll(() => story?.close());

const auditOf = (rows: readonly StoredRow[], marks: readonly string[] = []) =>
  audit("acme", rowsOf(rows), { signatures: story.signatures, mandate: null, noted: marks });
const findingsOf = async (rows: readonly StoredRow[], marks?: readonly string[]) => {
  const report = await auditOf(rows, marks);
  // The page is made of the same rows, and must say something of them whatever they hold.
  expect(auditPage(report, pageFacts)).toContain(report.findings.length > 0 ? "do not rely on" : "Nothing is off");
  return report.findings.map(({ stream, what }) => `${stream} ${what}`);
};
const scope = { campaign: null, since: null, until: null };
const head = { audit: 1, desk: "acme", sandbox: false, scope, exported_at: "2026-11-20T09:00:00.000Z" } as const;
const pageFacts = { head, advertiser: "Acme Outdoor", mandate: null };
const entriesHold = (text: string) => (row: StoredRow) => row.entries.includes(text);
const renumbered = (rows: readonly StoredRow[]) => rows.map((row, index) => ({ ...row, seq: index + 1 }));

function signatureOf(approvalId: string): Signature {
  const row = story.stored.find(
    ({ stream, entries }) => stream === `approval/${approvalId}` && entries.includes("approval_decided"),
  );
  const decided = JSON.parse(row?.entries ?? "[]").find(({ kind }: { kind: string }) => kind === "approval_decided");
  return decided.signature;
}

describe("somebody who can write rows, but not their hashes", () => {
  test("cannot delete a stream unseen, nor cut off its end, not even by giving the rows new numbers", async () => {
    const streams = [...new Set(story.stored.slice(0, -1).map(({ stream }) => stream))];
    expect(streams.length).toBeGreaterThan(18);
    for (const stream of streams) {
      const own = story.stored.filter((row) => row.stream === stream);
      // The last row of all is the newest anchor: what nothing follows can be cut off, see below.
      for (const [index, first] of everyNth([...own.entries()], 3)) {
        if (first === story.stored.at(-1)) continue;
        const rows = story.stored.filter((row) => row.stream !== stream || row.version < first.version);
        const isLast = rows.at(-1)?.seq !== story.stored.at(-1)?.seq;
        expect(await findingsOf(rows), `${stream} from ${index + 1}`).not.toEqual([]);
        if (!isLast) expect(await findingsOf(renumbered(rows)), `${stream} renumbered`).not.toEqual([]);
      }
    }
  });

  test("cannot swap two rows unseen, in a stream or over two", async () => {
    const pairs = story.stored.slice(1).map((row, index) => [story.stored[index], row] as const);
    const swap = (one: StoredRow, other: StoredRow, keys: readonly (keyof StoredRow)[]) => {
      const taken = (from: StoredRow, into: StoredRow) => ({
        ...into,
        ...Object.fromEntries(keys.map((key) => [key, from[key]])),
      });
      return story.stored.map((row) => (row === one ? taken(other, one) : row === other ? taken(one, other) : row));
    };
    for (const [one, other] of everyNth(pairs, 3)) {
      if (!one) continue;
      const content = swap(one, other, ["entries", "hash", "status", "at", "append_id", "flow_id"]);
      expect(await findingsOf(content), `contents of ${one.seq}`).not.toEqual([]);
      // Only the places are swapped: every row is whole, and the order of the ledger is another.
      const places = swap(one, other, ["seq"]).toSorted((left, right) => left.seq - right.seq);
      if (other !== story.stored.at(-1)) expect(await findingsOf(places), `places of ${one.seq}`).not.toEqual([]);
    }
  });

  test("cannot put a row of another stream into one, nor a row twice", async () => {
    const [first, second] = story.stored.filter(({ kind }) => kind === "approval");
    if (!first || !second) throw new Error("there are approvals");
    const moved = story.stored.map((row) => (row === second ? { ...row, stream: `${first.stream}x` } : row));
    expect(await findingsOf(moved)).not.toEqual([]);
    expect(await findingsOf([...story.stored, { ...first, seq: story.stored.length + 1 }])).not.toEqual([]);
  });
});

describe("somebody who makes every hash, number and anchor anew", () => {
  test("leaves no trace where nothing was changed, so that what follows tells what was", async () => {
    expect(madeAnew(story.stored)).toEqual(story.stored);
  });

  test("cannot change what a person signed: terms, name, words, time, decision", async () => {
    const { signed } = story.approvals;
    const decided = (row: StoredRow) => row.stream === `approval/${signed}` && row.entries.includes("approval_decided");
    const changes: readonly ((text: string) => string)[] = [
      (text) => text.replace('"note":"as planned"', '"note":"as you like"'),
      (text) => text.replaceAll('"dana"', '"erin"'),
      (text) => text.replace(/"decidedAt":"2/, '"decidedAt":"1'),
      (text) => text.replace('"via":"terminal"', '"via":"page"'),
      (text) => text.replace('"via":"terminal"', '"via":"passkey"'),
      (text) => text.replace(/"signature":"./, (start) => `${start.slice(0, -1)}${start.endsWith("A") ? "B" : "A"}`),
      (text) => text.replace(/"signature":\{.*?\}/, '"signature":null'),
      (text) => text.replace(/"signature":\{.*?\}/, '"signature":"yes"'),
      (text) =>
        text.replace('"decision":"approve"', '"decision":"reject"').replace(/"digests":\[.*?\]/, '"digests":[]'),
    ];
    for (const change of changes) {
      const found = await findingsOf(madeAnew(edited(story.stored, decided, change)));
      expect(found[0]).toMatch(new RegExp(`^approval/${signed} `));
    }
  });

  test("cannot raise a price that a person signed, though every digest fits", async () => {
    const changed = madeAnew(
      story.stored.map((row) =>
        row.entries.includes(story.refs.signed)
          ? { ...row, entries: row.entries.replaceAll(/"unit_price":"(\d)/g, '"unit_price":"9$1') }
          : row,
      ),
    );
    const found = await findingsOf(changed);
    expect(found).toContainEqual(expect.stringMatching(/shows terms of .* that have another digest/));
  });

  test("cannot turn a rejection into an approval", async () => {
    const { rejected } = story.approvals;
    const digest = /"digest":"([0-9a-f]{64})"/.exec(
      story.stored.find(({ stream }) => stream === `approval/${rejected}`)?.entries ?? "",
    )?.[1];
    const rows = madeAnew(
      edited(
        story.stored,
        (row) => row.stream === `approval/${rejected}` && row.entries.includes("approval_decided"),
        (text) =>
          text
            .replace('"decision":"reject"', '"decision":"approve"')
            .replace('"digests":[]', `"digests":["${digest}"]`),
      ).map((row) =>
        row.stream === `approval/${rejected}` && row.status === "rejected" ? { ...row, status: "approved" } : row,
      ),
    );
    expect(await findingsOf(rows)).toContain(
      `approval/${rejected} is decided by dana through terminal, with a signature that does not verify`,
    );
  });

  test("cannot make an approval up: without a signature, with one of another approval, with a key nobody knows", async () => {
    const made = async (by: { via: "terminal"; by: string; signature: Signature | null }) =>
      findingsOf(await withForgedBooking(story, story.refs.left, by));
    expect(await made({ via: "terminal", by: "dana", signature: null })).toEqual([
      "approval/ap_forged is decided by dana through terminal, without a signature",
    ]);
    const replayed = signatureOf(story.approvals.some);
    expect(await made({ via: "terminal", by: "dana", signature: replayed })).toEqual([
      "approval/ap_forged is decided by dana through terminal, with a signature that does not verify",
    ]);
    const strange = { ...replayed, person: "mallory", keyId: "0000000000000000" };
    expect(await made({ via: "terminal", by: "mallory", signature: strange })).toEqual([
      "approval/ap_forged is decided by mallory through terminal, with a signature that does not verify",
    ]);
  });

  test("can make up the client's word, which is listed as such and counts up to the mandate's limit only", async () => {
    const word = await auditOf(
      await withForgedBooking(story, story.refs.left, { via: "form", by: "dana", signature: null }),
    );
    expect(word.findings).toEqual([]);
    expect(word.decisions.find(({ approvalId }) => approvalId === "ap_forged")).toMatchObject({
      proof: "word",
      via: "form",
    });
    const beyond = await withForgedBooking(story, story.refs.left, { via: "page", by: "dana", signature: null });
    expect((await findingsOf(beyond)).join("\n")).toContain("channels.page is not set");
  });

  test("cannot pass for two people without two proofs", async () => {
    const adopted = edited(
      story.stored,
      ({ entries }) => entries.includes('"policy_adopted"'),
      (text) => text.replace('"twoPersonsAbove":null', '"twoPersonsAbove":{"currency":"USD","micros":"1000000"}'),
    );
    const found = (await findingsOf(madeAnew(adopted))).filter((one) => one.includes("two_persons_above"));
    for (const ref of [story.refs.signed, story.refs.form, story.refs.auto])
      expect(found.join("\n")).toContain(`quote/${ref} started`);
  });

  test("cannot book on a decision about other terms, or on none", async () => {
    const started = (row: StoredRow) =>
      row.stream === `quote/${story.refs.signed}` && row.entries.includes("booking_started");
    const other = madeAnew(
      edited(story.stored, started, (text) =>
        text.replace(/"approvalId":"[^"]*"/, `"approvalId":"${story.approvals.some}"`),
      ),
    );
    expect(await findingsOf(other)).not.toEqual([]);
    const none = madeAnew(
      edited(story.stored, started, (text) => text.replace(/"approvalId":"[^"]*"/, '"approvalId":null')),
    );
    expect(await findingsOf(none)).not.toEqual([]);
    const auto = madeAnew(
      edited(story.stored, started, (text) =>
        text.replace(/"approvalId":"[^"]*"/, '"approvalId":null').replaceAll('"via":"terminal"', '"via":"auto"'),
      ),
    );
    expect(await findingsOf(auto)).not.toEqual([]);
  });

  test("cannot send twice, book something else as approved, or move money that does not add up", async () => {
    const claimed = story.stored.find(
      (row) => row.stream === `quote/${story.refs.signed}` && entriesHold("send_claimed")(row),
    );
    if (!claimed) throw new Error("it was sent");
    const twice = story.stored.flatMap((row) => (row === claimed ? [row, { ...row }] : [row]));
    expect((await findingsOf(madeAnew(twice))).join("\n")).toContain(
      `quote/${story.refs.signed} cannot have been written`,
    );
    const resent = edited(
      story.stored,
      (row) => row === claimed,
      (text) => text.replace('"resend":false', '"resend":true'),
    );
    expect(await findingsOf(madeAnew(resent))).toContain(
      `quote/${story.refs.signed} was sent twice while the first answer was awaited`,
    );
    const confirmed = entriesHold("booking_confirmed");
    const dearer = edited(story.stored, confirmed, (text) => text.replace(/("deal":.*?"cpm":\{"micros":")/, "$19"));
    expect((await findingsOf(madeAnew(dearer))).join("\n")).toContain("says it was booked as approved, but unit_price");
    const spend = (row: StoredRow) => row.kind === "spend" && row.entries.includes('"reserved"');
    const less = edited(story.stored, spend, (text) => text.replace(/("total":\{"micros":")\d/, "$10"));
    expect((await findingsOf(madeAnew(less))).join("\n")).toContain(
      "carries balances that are not the sum of its events",
    );
    const freed = edited(story.stored, spend, (text) => text.replace('"reserved"', '"released"'));
    expect(await findingsOf(madeAnew(freed))).not.toEqual([]);
  });

  test("cannot let a looser mandate count that nobody signed", async () => {
    const rows = edited(story.stored, entriesHold("policy_adopted"), (text) =>
      text.replace(/("perBuy":\{"micros":")/, "$19"),
    );
    expect((await findingsOf(madeAnew(rows))).join("\n")).toContain("adopts a mandate that has another digest");
    const table = [...story.stored];
    const ledger = memoryLedger({ rows: table });
    const head = await ledger.head("policy/acme");
    const [adopted] = head?.entries ?? [];
    if (!head || adopted?.kind !== "policy_adopted") throw new Error("a mandate was adopted");
    const mandate = { ...adopted.mandate, perBuy: { ...adopted.mandate.perBuy, micros: 10n ** 15n } };
    const digest = policyDigest(mandate);
    for (const signature of [null, { ...signatureOf(story.approvals.signed) }]) {
      const rows = [...table];
      const entry = { ...adopted, mandate, digest, by: "dana", loosened: [], signature };
      const { stream, kind, status, flowId } = head;
      await memoryLedger({ rows }).append([{ stream, version: 2, kind, status, flowId, entries: [entry] }]);
      expect(await findingsOf(rows)).toEqual([
        expect.stringContaining("without a signature of dana that verifies, and it allows more: per_buy"),
      ]);
    }
  });

  test("hides from the file alone what was cut off its very end, or taken out with all that speaks of it, but not from a noted mark", async () => {
    const { stored, approvals, refs } = story;
    expect(await findingsOf(stored, [noted])).toEqual([]);
    for (let end = stored.length - 1; end > 0; end -= 3) {
      const rows = stored.slice(0, end);
      expect(await findingsOf(rows, [noted])).toContainEqual(expect.stringContaining("that was noted does not hold"));
    }
    const gone = [`approval/${approvals.rejected}`, `quote/${refs.rejected}`];
    const rows = madeAnew(stored.filter(({ stream }) => !gone.includes(stream)));
    expect(await findingsOf(rows)).toEqual([]);
    expect(await findingsOf(rows, [noted])).toEqual([expect.stringContaining("that was noted does not hold")]);
  });

  test("can begin with another first mandate, which no person signs; a noted mark shows it", async () => {
    const changed = story.stored.map((row) => {
      if (row.kind !== "policy") return row;
      const [entry] = decodeEntries(row.entries).entries;
      if (entry?.kind !== "policy_adopted") throw new Error("a mandate was adopted");
      const mandate = { ...entry.mandate, perBuy: { ...entry.mandate.perBuy, micros: 10n ** 15n } };
      return { ...row, entries: encodeEntries([{ ...entry, mandate, digest: policyDigest(mandate) }]) };
    });
    expect(await findingsOf(madeAnew(changed))).toEqual([]);
    expect(await findingsOf(madeAnew(changed), [noted])).toEqual([
      expect.stringContaining("that was noted does not hold"),
    ]);
  });

  test("gains nothing by entries that make no sense: they are findings, never errors", async () => {
    const senseless = [
      "[]",
      "[{}]",
      "{}",
      "null",
      "",
      '[{"kind":"anchored","v":1}]',
      '[{"kind":"anchored","v":1,"heads":[null],"covers":7}]',
    ];
    const fifths = story.stored.filter((_, index) => index % 5 === 0);
    for (const row of everyNth(fifths, 3)) {
      for (const entries of senseless) {
        const rows = madeAnewSafely(story.stored.map((one) => (one === row ? { ...one, entries } : one)));
        expect(await findingsOf(rows), `${row.stream} ${row.version} ${entries}`).not.toEqual([]);
      }
      // Kinds are right, and everything else is gone.
      const bare = JSON.stringify(
        JSON.parse(row.entries).map(({ kind, v }: { kind: string; v: number }) => ({ kind, v })),
      );
      const rows = madeAnewSafely(story.stored.map((one) => (one === row ? { ...one, entries: bare } : one)));
      const matters = row.kind !== "quote" || /"booking_(started|confirmed)"/.test(bare);
      if (matters && bare !== row.entries) expect(await findingsOf(rows), `${row.stream} ${bare}`).not.toEqual([]);
    }
  });
});

/** As `madeAnew`, where an anchor itself is what makes no sense. */
function madeAnewSafely(rows: readonly StoredRow[]): readonly StoredRow[] {
  try {
    return madeAnew(rows);
  } catch {
    return rows;
  }
}
