import { afterEach, describe, expect, test, vi } from "vitest";
import { dayIn, flightOf, instants, isoDay } from "../../src/domain/flight.ts";

const noon = new Date("2026-11-20T12:00:00Z");

describe("a flight", () => {
  test("is two real days in order; one day will do", () => {
    expect(flightOf("2027-01-04", "2027-03-28", noon)).toEqual({ start: "2027-01-04", end: "2027-03-28" });
    expect(flightOf("2028-02-29", "2028-02-29", noon)).toEqual({ start: "2028-02-29", end: "2028-02-29" });
  });

  test.each([
    ["2027-02-30", "2027-03-28", "flight.start", /calendar day/],
    ["2027-02-29", "2027-03-28", "flight.start", /calendar day/],
    ["2027-1-4", "2027-03-28", "flight.start", /calendar day/],
    ["04.01.2027", "2027-03-28", "flight.start", /calendar day/],
    ["2027-01-04T00:00:00Z", "2027-03-28", "flight.start", /calendar day/],
    ["2027-01-04", "tomorrow", "flight.end", /calendar day/],
    ["2027-01-04", "2027-13-01", "flight.end", /calendar day/],
    ["2027-01-04", "2027-01-03", "flight.end", /before it starts/],
    ["2026-01-04", "2026-11-19", "flight.end", /ended/],
    ["2026-11-19", "2026-12-19", "flight.start", /in the past/],
    ["2027-01-04", "2029-01-06", "flight.end", /two years/],
  ])("%s to %s is refused at %s", (start, end, field, why) => {
    const checking = () => flightOf(start, end, noon);
    expect(checking).toThrow(why);
    expect(checking).toThrow(expect.objectContaining({ code: "invalid_arguments", details: { field } }));
  });

  test("an error names the argument it was given as", () => {
    const checking = () => flightOf("x", "2027-01-04", noon, "items[2].flight");
    expect(checking).toThrow(expect.objectContaining({ details: { field: "items[2].flight.start" } }));
  });

  test("may start today, until the last second of the UTC day", () => {
    expect(flightOf("2026-11-20", "2026-11-20", new Date("2026-11-20T23:59:59.999Z")).start).toBe("2026-11-20");
    expect(() => flightOf("2026-11-20", "2026-11-20", new Date("2026-11-21T00:00:00Z"))).toThrow(/ended/);
    expect(() => flightOf("2026-11-20", "2026-11-22", new Date("2026-11-21T00:00:00Z"))).toThrow(/in the past/);
  });

  test("as instants is midnight UTC to the last second", () => {
    expect(instants({ start: "2027-01-04", end: "2027-03-28" })).toEqual({
      start: "2027-01-04T00:00:00Z",
      end: "2027-03-28T23:59:59Z",
    });
  });
});

describe("days", () => {
  afterEach(() => vi.unstubAllEnvs());

  test.each(["Pacific/Kiritimati", "Pacific/Pago_Pago", "America/New_York"])(
    "do not depend on a machine in %s",
    (zone) => {
      vi.stubEnv("TZ", zone);
      const late = new Date("2026-11-20T23:30:00Z");
      expect(late.getTimezoneOffset()).not.toBe(0);
      expect(isoDay(late)).toBe("2026-11-20");
      expect(flightOf("2026-11-20", "2026-11-21", late)).toEqual({ start: "2026-11-20", end: "2026-11-21" });
      expect(() => flightOf("2026-11-19", "2026-11-21", late)).toThrow(/in the past/);
      expect(dayIn("America/New_York", late)).toBe("2026-11-20");
    },
  );

  test("are the operator's where money is counted", () => {
    const instant = new Date("2026-11-21T03:30:00Z");
    expect(dayIn("UTC", instant)).toBe("2026-11-21");
    expect(dayIn("America/New_York", instant)).toBe("2026-11-20");
    expect(dayIn("Asia/Tokyo", instant)).toBe("2026-11-21");
    expect(dayIn("Pacific/Kiritimati", new Date("2026-12-31T10:00:00Z"))).toBe("2027-01-01");
  });

  test("turn at midnight on both sides of a clock change", () => {
    // New York leaves summer time on 1 November 2026 at 06:00 UTC.
    expect(dayIn("America/New_York", new Date("2026-11-01T03:59:59Z"))).toBe("2026-10-31");
    expect(dayIn("America/New_York", new Date("2026-11-01T04:00:00Z"))).toBe("2026-11-01");
    expect(dayIn("America/New_York", new Date("2026-11-02T04:59:59Z"))).toBe("2026-11-01");
    expect(dayIn("America/New_York", new Date("2026-11-02T05:00:00Z"))).toBe("2026-11-02");
  });

  test("an unknown time zone is an error, not UTC", () => {
    expect(() => dayIn("Mars/Olympus", noon)).toThrow(RangeError);
  });
});
