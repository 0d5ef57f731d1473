import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mediaPlans, type Planned } from "../../src/documents/media-plan.ts";
import { planSvg } from "../../src/documents/media-plan-svg.ts";
import { minorUnit, sum, toMinorUnit } from "../../src/domain/money.ts";
import { verifies } from "../requirements.ts";
import { amounts } from "./arbitraries.ts";

const DAY_MS = 86_400_000;
const day = (days: number) => new Date(Date.UTC(2027, 0, 1) + days * DAY_MS).toISOString().slice(0, 10);

const planned: fc.Arbitrary<Planned> = fc
  .record({
    ...{ from: fc.nat({ max: 400 }), length: fc.nat({ max: 300 }), total: amounts(undefined, 10n ** 13n) },
    name: fc.string({ unit: "binary", maxLength: 60 }),
  })
  .map(({ from, length, total, name }) => ({
    ...{ ref: "a/q", sellerId: "a", channel: "ctv", dealType: "PG", status: "booked", name, total },
    flight: { start: day(from), end: day(from + length) },
  }));

describe("a media plan", () => {
  test("adds up to the last micro, by row and by column, and spends nothing outside a flight", () => {
    verifies("tool.media_plan", "money.exact");
    fc.assert(
      fc.property(fc.array(planned, { minLength: 1, maxLength: 6 }), (lines) => {
        const plans = mediaPlans(lines);
        expect(plans.flatMap(({ rows }) => rows)).toHaveLength(lines.length);
        for (const { currency, periods, rows, totals, total } of plans) {
          expect(sum(totals, currency)).toEqual(total);
          expect(
            sum(
              rows.map((row) => row.total),
              currency,
            ),
          ).toEqual(total);
          for (const { cells, flight, total: all } of rows) {
            expect(sum(cells, currency)).toEqual(all);
            cells.forEach((cell, at) => {
              const period = periods[at] ?? { start: "", end: "" };
              const runs = flight.start <= period.end && flight.end >= period.start;
              if (!runs) expect(cell.micros).toBe(0n);
              expect(cell.micros >= 0n).toBe(true);
              // All but the last that has any is payable: what a total has below that comes at its end.
              const isLast = cells.slice(at + 1).every(({ micros }) => micros === 0n);
              if (!isLast) expect(cell).toEqual(toMinorUnit(cell));
            });
          }
        }
      }),
    );
  });

  test("pays each day of a flight alike, but for what cannot be paid in one", () => {
    fc.assert(
      fc.property(planned, (line) => {
        const [plan] = mediaPlans([line]);
        const days = BigInt((Date.parse(line.flight.end) - Date.parse(line.flight.start)) / DAY_MS + 1);
        plan?.rows[0]?.cells.forEach((cell, at) => {
          const period = plan.periods[at] ?? line.flight;
          const from = period.start > line.flight.start ? period.start : line.flight.start;
          const to = period.end < line.flight.end ? period.end : line.flight.end;
          const run = BigInt((Date.parse(to) - Date.parse(from)) / DAY_MS + 1);
          const off = cell.micros - (line.total.micros * run) / days;
          const step = minorUnit(line.total.currency);
          expect(off <= step && off >= -step - 1n).toBe(true);
        });
      }),
    );
  });

  test("has columns that follow each other without a gap, over every flight, none of them empty at its ends", () => {
    fc.assert(
      fc.property(fc.array(planned, { minLength: 1, maxLength: 6 }), (lines) => {
        for (const { periods, rows, unit } of mediaPlans(lines)) {
          periods.forEach(({ start }, at) => {
            const before = periods[at - 1];
            if (before) expect(Date.parse(start) - Date.parse(before.end)).toBe(DAY_MS);
            expect(new Date(start)[unit === "week" ? "getUTCDay" : "getUTCDate"]()).toBe(1);
          });
          const starts = rows.map(({ flight }) => flight.start).sort();
          const ends = rows.map(({ flight }) => flight.end).sort();
          expect(starts[0]).toEqual(expect.any(String));
          expect((periods[0]?.start ?? "") <= (starts[0] ?? "") && (periods[0]?.end ?? "") >= (starts[0] ?? "")).toBe(
            true,
          );
          const last = periods.at(-1) ?? { start: "", end: "" };
          expect(last.start <= (ends.at(-1) ?? "") && last.end >= (ends.at(-1) ?? "")).toBe(true);
          expect(unit === "month" || periods.length <= 26).toBe(true);
        }
      }),
    );
  });

  test("drawn has no markup but ours, whatever sellers and planners write", () => {
    verifies("tool.media_plan");
    fc.assert(
      fc.property(fc.array(planned, { maxLength: 3 }), fc.string({ unit: "binary", maxLength: 60 }), (lines, title) => {
        const heading = { title, advertiser: title, sandbox: true };
        const svg = planSvg(mediaPlans(lines), heading);
        const plain = planSvg(mediaPlans(lines.map((one) => ({ ...one, name: "" }))), {
          ...heading,
          title: "",
          advertiser: "",
        });
        const tags = (text: string) => text.match(/<[^>]*>/g);
        expect(tags(svg)).toEqual(tags(plain));
        expect(svg).not.toMatch(/&(?!amp;|lt;|gt;|quot;|#39;)/);
      }),
    );
  });
});
