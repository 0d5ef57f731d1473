import { join } from "node:path";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { memoryLedger } from "../../src/ledger/memory.ts";
import type { StoredRow } from "../../src/ledger/rows.ts";
import { connectSqlite, openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { tempFolder } from "../ledger/temp.ts";
import { describeLedger } from "./ledger-contract.ts";

describeLedger("the SQLite ledger", {
  open: async () => {
    const folder = tempFolder();
    const file = join(folder.path, "ledger.db");
    const opened: Ledger[] = [];
    const another = async () => {
      const ledger = await openSqliteLedger({ file });
      opened.push(ledger);
      return ledger;
    };
    return {
      ledger: await another(),
      another,
      plant: async (row) => {
        const connection = await connectSqlite({ file });
        const places = Object.keys(row).map(() => "?");
        await connection.rows(`insert into ledger (${Object.keys(row)}) values (${places})`, Object.values(row));
        await connection.close();
      },
      close: async () => {
        for (const ledger of opened) await ledger.close();
        folder.remove();
      },
    };
  },
});

describeLedger("the ledger in memory", {
  open: async () => {
    const rows: StoredRow[] = [];
    return {
      ledger: memoryLedger({ rows }),
      another: async () => memoryLedger({ rows }),
      plant: async (row) => {
        rows.push({ ...row, seq: rows.length + 1 });
      },
      close: async () => undefined,
    };
  },
});
