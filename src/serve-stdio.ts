import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import type { Desk } from "./desk.ts";
import { localPrincipal } from "./domain/principal.ts";
import { ResourceUpdates } from "./resource-updates.ts";
import { createServer } from "./server.ts";

/** How long after the first connection open work is first looked at; some clients start a server only to end it. */
const WATCH_AFTER_MS = 1_500;

/**
 * Serves one client over stdin and stdout, in whichever protocol era it opens with, and follows open work meanwhile.
 * @param transport over other pipes than those of this process
 * @returns a function that ends it: what is in flight is finished or journalled
 */
export function serveOverStdio(desk: Desk, transport = new StdioServerTransport()): () => Promise<void> {
  const updates = new ResourceUpdates(desk);
  const handle = serveStdio(({ era }) => updates.serve(createServer(desk, localPrincipal, era), era), {
    transport,
    onerror: (error) => desk.log("stdio", { error: error.message }),
  });
  updates.hear(transport);
  const watching = setTimeout(() => desk.watch(), WATCH_AFTER_MS);
  return async () => {
    clearTimeout(watching);
    updates.close();
    await handle.close();
    await desk.close();
  };
}
