import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AuditReport, audit } from "../../src/audit/audit.ts";
import { playStory, rowsOf, type Story } from "./story.ts";

describe("a ledger that nobody touched", () => {
  let story: Story;
  let report: AuditReport;
  beforeAll(async () => {
    story = await playStory();
    report = await audit("acme", rowsOf(story.stored), { signatures: story.signatures, mandate: null, noted: [] });
  }, 60_000);
  afterAll(() => story?.close());

  test("has nothing off, whatever it bought", () => {
    for (const [k, v] of report.book.lines) process.stdout.write(`${k} ${v.state?.status}\n`);
    expect(report.findings).toEqual([]);
  });
});
