import type { Strategy } from "../domain/negotiation.ts";
import { threshold } from "./threshold.ts";

/** Every negotiation strategy there is, found by its name; the first is the default. */
export const strategies: readonly Strategy[] = [threshold];
