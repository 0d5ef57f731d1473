import type { Random } from "./random.ts";

/** How likely each kind of trouble is, each time it could happen. */
export interface Faults {
  /** A process dies before a step, or after a step took effect and before it heard of that. */
  readonly crash: number;
  readonly crashBetween: number;
  /** A process stands still for minutes or hours while the world goes on. */
  readonly stall: number;
  /** A process that just took a step that counts (a claim, a decision, bytes sent) dies or stands still right after. */
  readonly fatalMoment: number;
  /** The machine's clock jumps by up to a minute, forward or backward. */
  readonly clockJump: number;
  /** One call takes seconds while others go on: a slow disk, a slow network. */
  readonly sluggish: number;
  readonly ledgerFails: number;
  /** An append is recorded, and its answer says that this is not known. */
  readonly ledgerLosesAnswer: number;
  /** An append is said to be unknown, and recorded later, if nobody was faster. */
  readonly ledgerIsLate: number;
  readonly sellerDown: number;
  readonly unreachable: number;
  /** The request never gets to the seller; the caller hears of a timeout. */
  readonly requestLost: number;
  /** The seller works on it longer than the caller waits. */
  readonly slow: number;
  readonly answerLost: number;
  readonly error500Before: number;
  readonly error500After: number;
  readonly garbled: number;
  /** The seller, or something before it, handles one request twice. */
  readonly handledTwice: number;
  readonly refuses: number;
  readonly priceDrift: number;
  readonly otherCurrency: number;
  readonly otherProduct: number;
  readonly otherVolume: number;
  /** Somebody else negotiates our quote to a higher price. */
  readonly raisedByOther: number;
  readonly quoteVanishes: number;
  readonly cancelRefused: number;
}

const chaos: Faults = {
  crash: 0.004,
  crashBetween: 0.004,
  stall: 0.003,
  fatalMoment: 0.35,
  clockJump: 0.004,
  sluggish: 0.08,
  ledgerFails: 0.02,
  ledgerLosesAnswer: 0.02,
  ledgerIsLate: 0.01,
  sellerDown: 0.01,
  unreachable: 0.05,
  requestLost: 0.2,
  slow: 0.25,
  answerLost: 0.15,
  error500Before: 0.05,
  error500After: 0.08,
  garbled: 0.05,
  handledTwice: 0.05,
  refuses: 0.1,
  priceDrift: 0.15,
  otherCurrency: 0.03,
  otherProduct: 0.05,
  otherVolume: 0.08,
  raisedByOther: 0.05,
  quoteVanishes: 0.03,
  cancelRefused: 0.8,
};

export const noFaults: Faults = mapped(() => 0);

/**
 * The troubles of one schedule: each kind is in it or not, and mild or fierce. Schedules with few kinds get further than
 * schedules with all, and find what the others drown in noise.
 */
export function drawFaults(random: Random): Faults {
  const share = random.pick([0.15, 0.4, 0.4, 0.8]);
  const fierce = random.pick([0.5, 1, 1, 2]);
  const drawn = mapped((rate) => (random.chance(share) ? Math.min(0.6, rate * fierce) : 0));
  // In some, bookings get lost again and again: what is not known is where most can go wrong.
  // A seller that refuses besides may refuse what it booked already, or will book yet.
  const lossy = { requestLost: 0.4, error500Before: 0.3, slow: 0.4, answerLost: 0.3 };
  const stubborn = { requestLost: 0, answerLost: 0.7, slow: 0.6, refuses: 0.5 };
  return random.chance(0.3) ? { ...drawn, ...random.pick([lossy, lossy, stubborn]) } : drawn;
}

function mapped(change: (rate: number) => number): Faults {
  const entries = Object.entries(chaos).map(([name, rate]) => [name, change(rate)] as const);
  return { ...chaos, ...Object.fromEntries(entries) };
}
