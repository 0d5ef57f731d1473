import { type FailureKind, SellerFailure } from "../../src/sellers/seller.ts";
import type { ModelSeller } from "./model-seller.ts";
import { lag, strikes, type Process, type World } from "./world.ts";

export interface Call<T> {
  readonly what: string;
  readonly timeoutMs: number;
  /** Only calls that change something at the seller go wrong halfway; a read that failed simply failed. */
  readonly changes: boolean;
  readonly signal?: AbortSignal | undefined;
  /** The seller's work, `wait` letting others in between. Runs on even if nobody waits for it. */
  handle(wait: (what: string, ms: number) => Promise<void>): Promise<T>;
  /** Told when the request can no longer have any effect beyond what it had. */
  over?(): void;
  /** Told when the caller is certain that nothing came of it. */
  nothing?(): void;
}

/**
 * One request and its answer between a process and a seller, as HTTP has it: the bytes leave at once, the handling goes
 * on whatever becomes of the caller, and the caller hears the answer, a failure, or its own timeout.
 * @throws SellerFailure
 */
export function exchange<T>(world: World, process: Process, seller: ModelSeller, call: Call<T>): Promise<T> {
  const { scheduler } = world;
  const name = `${seller.id} ${call.what}`;
  const failure = (kind: FailureKind, definite = false) =>
    new SellerFailure(seller.id, kind, `${name}: ${kind}.`, { definite });
  const over = () => call.over?.();
  if (strikes(world, "unreachable") || seller.downUntil > scheduler.time) {
    over();
    call.nothing?.();
    return scheduler.step(process, `${name} cannot connect`, () => Promise.reject(failure("unreachable", true)));
  }
  return new Promise<T>((resolve, reject) => {
    const bury = () => reject(failure("unreachable"));
    let given = false;
    const giveUp = () => {
      given = true;
      reject(failure("timeout"));
    };
    const untime = scheduler.later(process, `${name} times out`, call.timeoutMs, giveUp, bury);
    if (call.signal?.aborted) giveUp();
    call.signal?.addEventListener("abort", giveUp, { once: true });
    const answer = (settle: () => void, what: string) =>
      scheduler.later(process, `${name} ${what}`, lag(world), () => {
        untime();
        settle();
      });
    const wait = (what: string, ms: number) => scheduler.step(null, `${name} ${what}`, () => undefined, ms);
    const handled = async (): Promise<void> => {
      if (call.changes && strikes(world, "error500Before")) {
        over();
        answer(() => reject(failure("server_error")), "answers 500");
        return;
      }
      const twice = call.changes && strikes(world, "handledTwice");
      const works = [call.handle(wait), ...(twice ? [call.handle(wait)] : [])];
      const ends = await Promise.allSettled(works);
      over();
      if (call.changes && strikes(world, "answerLost")) return;
      const trouble = call.changes && troubles.find(({ fault }) => strikes(world, fault));
      if (trouble) {
        answer(() => reject(failure(trouble.kind)), trouble.what);
        return;
      }
      // Handled twice and done once, it does not say that it was not done: no buyer could live with that.
      const done = ends.filter(({ status }) => status === "fulfilled");
      const end = world.random.pick(done.length > 0 ? done : ends);
      if (end.status === "fulfilled") answer(() => resolve(end.value), "answers");
      else {
        const dead = ends.every(isDefinite);
        answer(
          () => {
            if (dead && !given) call.nothing?.();
            reject(end.reason);
          },
          `refuses: ${String(end.reason)}`,
        );
      }
    };
    if (call.changes && strikes(world, "requestLost")) over();
    else
      scheduler.later(null, `${name} arrives`, lag(world), () => {
        // Only our own mistakes can end here: the seller's refusals are answers.
        handled().catch((error: unknown) => world.witness.accuse("the model", String(error)));
      });
  });
}

const troubles = [
  { fault: "error500After", kind: "server_error", what: "answers 500 after the fact" },
  { fault: "garbled", kind: "invalid_answer", what: "answers garbage" },
] as const;

function isDefinite(end: PromiseSettledResult<unknown>): boolean {
  return end.status === "rejected" && end.reason instanceof SellerFailure && end.reason.definite;
}
