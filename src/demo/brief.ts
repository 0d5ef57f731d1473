import { type Flight, isoDay } from "../domain/flight.ts";

/** One wish of the brief: what is asked for, and what the planner would weigh and pay. */
export interface Wish {
  readonly heading: string;
  readonly budget: string;
  /** Products of the sandbox sellers, whose ids never change; the first is taken. */
  readonly candidates: readonly [string, ...string[]];
  readonly dealType: "PG";
  readonly because: string;
  readonly targetCpm: string;
  readonly maxCpm: string;
}

export interface Brief {
  readonly campaign: string;
  readonly poNumber: string;
  readonly flight: Flight;
  readonly words: string;
  readonly wishes: readonly Wish[];
  readonly targeting: { readonly geo: readonly string[]; readonly audience: readonly string[] };
  /** How far each counter-offer rises. */
  readonly step: string;
}

const DAY_MS = 86_400_000;

/** What the demo's planner wants; the flight begins on a Monday at least six weeks after `now` and lasts twelve weeks. */
export function briefFor(now: Date): Brief {
  const earliest = now.getTime() + 42 * DAY_MS;
  const toMonday = (8 - new Date(earliest).getUTCDay()) % 7;
  const start = new Date(earliest + toMonday * DAY_MS);
  const end = new Date(start.getTime() + 83 * DAY_MS);
  return {
    campaign: "Trail shoe launch",
    poNumber: "PO-4711",
    flight: { start: isoDay(start), end: isoDay(end) },
    words: `"Trail shoe launch for Acme Outdoor: United States, adults 25-54, ${longDay(start)} to ${longDay(end)}. 60,000 USD on connected TV around live sport, 30,000 on streaming audio, 20,000 on display that stands out. Guaranteed inventory. Get the prices down, and ask me before you book anything. PO-4711."`,
    targeting: { geo: ["US"], audience: ["A25-54"] },
    step: "0.50 USD",
    wishes: [
      {
        heading: "Connected TV, 60,000 USD",
        budget: "60000 USD",
        candidates: ["northbeam/prod-53e78a97", "northbeam/prod-2b6d04e1", "civicstream/prod-e28c7f13"],
        dealType: "PG",
        because: "live sport, as briefed; worth its price over the cheaper streams",
        targetCpm: "27.00 USD",
        maxCpm: "29.00 USD",
      },
      {
        heading: "Audio, 30,000 USD",
        budget: "30000 USD",
        candidates: ["harborview/prod-a31c6f02", "harborview/prod-0d9472be"],
        dealType: "PG",
        because: "half the price of host-read podcasts, so twice the reach",
        targetCpm: "12.00 USD",
        maxCpm: "13.20 USD",
      },
      {
        heading: "Display, 20,000 USD",
        budget: "20000 USD",
        candidates: ["northbeam/prod-91ddc363"],
        dealType: "PG",
        because: "the one format here that stands out",
        targetCpm: "11.00 USD",
        maxCpm: "12.50 USD",
      },
    ],
  };
}

function longDay(day: Date): string {
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" }).format(
    day,
  );
}
