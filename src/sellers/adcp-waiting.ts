import { SellerFailure } from "./seller.ts";

/** Waits for what is shared, no longer than this caller does. Nothing of its own request has been sent. */
export function noLongerThan<Shared>(
  sellerId: string,
  shared: Promise<Shared>,
  signal: AbortSignal | undefined,
): Promise<Shared> {
  if (!signal) return shared;
  return new Promise<Shared>((resolve, reject) => {
    const stop = () => {
      const message = `The connection to ${sellerId} was given up before it was open.`;
      const details = { definite: true, code: "stopped", cause: signal.reason };
      reject(new SellerFailure(sellerId, "timeout", message, details));
    };
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    shared.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
