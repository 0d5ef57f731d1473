import { describe, expect, test } from "vitest";
import { type Approval, type ApprovalEvent, approvalExpiry, foldApproval } from "../../src/domain/approval.ts";
import { verifies } from "../requirements.ts";
import { approvalLine } from "./sample.ts";

const lines = [approvalLine("northbeam/qt-1", 1_000_000), approvalLine("northbeam/qt-2", 2_000_000)];
const [first, second] = lines.map((line) => line.digest) as [string, string];
const opened: ApprovalEvent = {
  kind: "approval_opened",
  v: 1,
  lines,
  expiresAt: "2026-11-21T09:28:00.000Z",
  why: ["channels.auto is not set"],
  proposer: "dana",
  campaign: null,
  poNumber: null,
  shortCode: "7K-2F",
};
const asked: ApprovalEvent = { kind: "approval_asked", v: 1, via: "form", client: "inspector" };
const silence: ApprovalEvent = { kind: "approval_not_answered", v: 1, via: "form", how: "declined" };
const voided: ApprovalEvent = { kind: "approval_voided", v: 1, why: "terms changed" };
const decided = (decision: "approve" | "reject", ...digests: readonly string[]): ApprovalEvent => ({
  kind: "approval_decided",
  v: 1,
  decision,
  digests,
  via: "terminal",
  by: "dana",
  wordOf: "server",
  note: "go",
  decidedAt: "2026-11-20T09:59:58.000Z",
  signature: null,
});

const at = "2026-11-20T10:00:00.000Z";
const folded = (...events: readonly ApprovalEvent[]) =>
  events.reduce<Approval | null>((before, event) => foldApproval("ap_1", before, event, at), null);

describe("an approval", () => {
  test("is pending until a person decides; being asked, declining and silence decide nothing", () => {
    verifies("approval.silence_is_no_answer");
    expect(folded(opened)).toMatchObject({ approvalId: "ap_1", status: "pending", openedAt: at, decided: null });
    expect(folded(opened, asked, silence, asked, silence)).toEqual(folded(opened));
  });

  test("is approved with all its lines, or in part", () => {
    expect(folded(opened, decided("approve", second, first))).toMatchObject({
      status: "approved",
      decided: { by: "dana", via: "terminal", at, digests: [second, first], note: "go" },
    });
    expect(folded(opened, decided("approve", first))).toMatchObject({
      status: "partly_approved",
      decided: { digests: [first] },
    });
  });

  test("is rejected as a whole", () => {
    expect(folded(opened, decided("reject"))).toMatchObject({ status: "rejected", decided: { digests: [] } });
  });

  test("a decision names lines that were shown, and only those", () => {
    for (const forged of [
      decided("approve"),
      decided("approve", "0".repeat(64)),
      decided("approve", first, "0".repeat(64)),
      decided("reject", first),
    ]) {
      expect(() => folded(opened, forged)).toThrow(RangeError);
    }
  });

  test("is decided or voided once, and nothing comes after", () => {
    for (const end of [decided("approve", first, second), decided("approve", first), decided("reject"), voided]) {
      for (const late of [decided("approve", first), decided("reject"), voided, asked, silence]) {
        expect(() => folded(opened, end, late)).toThrow(RangeError);
      }
    }
  });

  test("is opened once, before anything else", () => {
    expect(() => folded(opened, opened)).toThrow(RangeError);
    for (const early of [asked, silence, voided, decided("reject")]) expect(() => folded(early)).toThrow(RangeError);
  });

  test("says why it is void", () => {
    expect(folded(opened, voided)).toMatchObject({ status: "void", voidWhy: "terms changed", decided: null });
  });
});

describe("an approval's end", () => {
  const now = new Date("2026-11-20T10:00:00Z");

  test("is the operator's limit, or two minutes before the first of its quotes ends", () => {
    expect(approvalExpiry(now, 60, ["2026-11-21T09:30:00Z"])).toBe("2026-11-20T11:00:00.000Z");
    expect(approvalExpiry(now, 1440, ["2026-11-21T09:30:00Z", "2026-11-20T18:00:00Z"])).toBe(
      "2026-11-20T17:58:00.000Z",
    );
    expect(approvalExpiry(now, 60, [])).toBe("2026-11-20T11:00:00.000Z");
  });

  test("is read in the zone the seller wrote it in", () => {
    expect(approvalExpiry(now, 1440, ["2026-11-20T18:00:00+02:00"])).toBe("2026-11-20T15:58:00.000Z");
  });

  test("lies in the past for a quote about to end, so that nothing is asked any more", () => {
    expect(Date.parse(approvalExpiry(now, 60, ["2026-11-20T10:01:00Z"]))).toBeLessThan(now.getTime());
  });

  test("without a readable expiry there is no approval at all", () => {
    expect(() => approvalExpiry(now, 60, ["soon"])).toThrow(RangeError);
    expect(() => approvalExpiry(now, Number.NaN, [])).toThrow(RangeError);
  });
});
