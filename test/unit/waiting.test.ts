import { expect, test } from "vitest";
import type { SellerWait } from "../../src/domain/deal.ts";
import { isNews, toldAgain, type WaitTold } from "../../src/domain/waiting.ts";

const wait: SellerWait = {
  ...{ for: "decision", taskId: "t-1", mediaBuyId: null, url: null, sellerSaid: "Soon.", expectedBy: null },
};
const start = Date.parse("2026-11-20T10:00:00Z");

/** How many rows looks at a seller write, one every ten minutes. @param said what it says at the nth look */
function rowsOf(looks: number, said: (look: number) => SellerWait): number {
  let line: { wait: SellerWait | null; waitTold: WaitTold | null } = { wait: null, waitTold: null };
  let rows = 0;
  for (let look = 0; look < looks; look += 1) {
    const at = new Date(start + look * 600_000);
    const now = said(look);
    if (!isNews(line, now, at)) continue;
    line = { wait: now, waitTold: toldAgain(line.wait, line.waitTold, now, at.toISOString()) };
    rows += 1;
  }
  return rows;
}

const month = 30 * 24 * 6;

test("the same words are one row, however long it waits", () => {
  expect(rowsOf(month, () => wait)).toBe(1);
});

test.each([
  ["words", (look: number) => ({ ...wait, sellerSaid: `It is ${look} o'clock.` })],
  ["an estimate", (look: number) => ({ ...wait, expectedBy: new Date(start + look).toISOString() })],
  ["an address", (look: number) => ({ ...wait, url: `https://desk.example/${look}` })],
])("%s of each look are written the first times, and once a day from then on", (_what, said) => {
  const rows = rowsOf(month, said);
  expect(rows).toBeGreaterThanOrEqual(11 + 28);
  expect(rows).toBeLessThanOrEqual(11 + 30);
});

test("another wait is always written, and has its own words", () => {
  const tasks = (look: number) => ({ ...wait, taskId: `t-${look % 2}` });
  expect(rowsOf(100, tasks)).toBe(100);
  const moved = (look: number): SellerWait => ({
    ...wait,
    sellerSaid: `${look}`,
    for: look < 50 ? "decision" : "signature",
  });
  expect(rowsOf(100, moved)).toBe(22);
});
