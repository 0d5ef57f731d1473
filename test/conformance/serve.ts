import { setTimeout as pause } from "node:timers/promises";
import { InMemoryServerEventBus } from "@modelcontextprotocol/server";
import { sandboxConfig } from "../../src/config.ts";
import { openDesk } from "../../src/desk.ts";
import { type ServedParts, serveOverHttp } from "../../src/serve-http.ts";
import { createServer, type ServerFor } from "../../src/server.ts";
import { tempFolder } from "../ledger/temp.ts";
import { addAskingFixtures } from "./fixtures-asking.ts";
import { addContentFixtures, noArguments, says } from "./fixtures-content.ts";

/** The product's HTTP server in this process, as `--http` serves it. */
export interface Served {
  readonly url: string;
  /** Every line of its log. */
  readonly log: readonly string[];
  /** Ends it as SIGTERM does, and removes its files. */
  close(): Promise<void>;
}

/** Serves a desk of its own on a free port. @param parts what is mounted beside the product's own */
export async function serve(parts: ServedParts): Promise<Served> {
  const folder = tempFolder();
  const log: string[] = [];
  let url: string | null = null;
  // A sandbox desk may be served without tokens, of which the suite knows nothing; it has no sellers, and needs none.
  const config = sandboxConfig();
  const desk = openDesk({
    config,
    dataHome: folder.path,
    sandboxSellers: null,
    log: (message, details) => {
      log.push(`${message} ${JSON.stringify(details ?? {})}`);
      if (message === "serving over http" && details && "at" in details) url = String(details.at);
    },
  });
  const ending = new AbortController();
  let failed: unknown = null;
  const served = serveOverHttp(desk, { ...config.http, port: 0 }, ending.signal, parts).catch((error: unknown) => {
    failed = error;
  });
  while (url === null && failed === null) await pause(5);
  if (url === null) {
    folder.remove();
    throw failed;
  }
  return {
    url,
    log,
    close: async () => {
      ending.abort();
      await served;
      folder.remove();
    },
  };
}

/** The product's server with what the suite calls by name mounted beside the product's own tools. */
export function withFixtures(): ServedParts {
  const heard = new InMemoryServerEventBus();
  const serverFor: ServerFor = async (desk, principal, era) => {
    const server = createServer(desk, principal, era);
    server.server.registerCapabilities({ logging: {} });
    addContentFixtures(server);
    await addAskingFixtures(server, desk, principal);
    for (const what of ["tool", "prompt"] as const)
      server.registerTool(
        `test_trigger_${what}_change`,
        { description: `Says that the ${what}s changed`, inputSchema: noArguments },
        () => {
          heard.publish({ kind: `${what}s_list_changed` });
          return says("announced");
        },
      );
    return server;
  };
  return { serverFor, heard };
}
