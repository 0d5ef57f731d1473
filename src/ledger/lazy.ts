import { type Ledger, LedgerUnavailable } from "./ledger.ts";

/**
 * A ledger that is opened by its first use, so that starting a process neither loads a database nor waits for one.
 * A failed opening is tried again by the next use; after `close` there is none.
 */
export function lazyLedger(open: () => Promise<Ledger>): Ledger {
  let opening: Promise<Ledger> | undefined;
  let closed = false;
  const ledger = async (): Promise<Ledger> => {
    if (closed) throw new LedgerUnavailable("The ledger was closed.", null);
    const current = opening ?? open();
    opening = current;
    try {
      return await current;
    } catch (error) {
      if (opening === current) opening = undefined;
      throw error;
    }
  };
  return {
    read: async (stream) => (await ledger()).read(stream),
    head: async (stream) => (await ledger()).head(stream),
    append: async (rows) => (await ledger()).append(rows),
    heads: async (filter) => (await ledger()).heads(filter),
    history: async (filter) => (await ledger()).history(filter),
    newest: async () => (await ledger()).newest(),
    close: async () => {
      closed = true;
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}
