import type { Deal, FrozenRequest } from "../../src/domain/media-buy.ts";
import type { NewRow, Row } from "../../src/ledger/ledger.ts";
import type { World } from "./world.ts";

/** A way in which the ground under the verbs is deliberately weakened, to see that a schedule then finds a violation. */
export interface Weakness {
  readonly name: string;
  /** Between the verbs and the ledger. */
  readonly append?: (append: (rows: readonly NewRow[]) => Promise<readonly Row[]>, world: World) => (rows: readonly NewRow[]) => Promise<readonly Row[]>;
  /** Between the verbs and the booking of a seller. */
  readonly book?: (world: World, book: (request: FrozenRequest) => Promise<Deal>) => (request: FrozenRequest) => Promise<Deal>;
  /** What a process takes for the time. */
  readonly now?: (world: World, honest: number) => number;
  readonly settleAfterMs?: number;
  readonly claimMs?: number;
}
