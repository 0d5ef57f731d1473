/** The most times somebody sees an advertisement within a unit of time. */
export interface FrequencyCap {
  readonly most: number;
  readonly unit: "minute" | "hour" | "day" | "week" | "month";
}

/** A cap as planners write it, e.g. `3 per day`; null for other words, which no seller is told. */
export function frequencyCapIn(text: string | null): FrequencyCap | null {
  const match = /^([1-9]\d{0,2}) (?:per|a) (minute|hour|day|week|month)$/.exec((text ?? "").trim().toLowerCase());
  // The pattern has no other units.
  return match ? { most: Number(match[1]), unit: match[2] as FrequencyCap["unit"] } : null;
}
