import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { pino } from "pino";
import { type Config, parseConfig } from "../../src/config.ts";
import { isLoopback } from "../../src/config-http.ts";
import { openDesk } from "../../src/desk.ts";
import type { Log } from "../../src/domain/log.ts";
import { serveOverHttp } from "../../src/serve-http.ts";
import { serveOverStdio } from "../../src/serve-stdio.ts";
import type { ServerStart } from "./client.ts";

/** A server in this process, at the other ends of two pipes; it has a desk of its own, as a server process has. */
export interface ServedHere {
  /** What the server writes. */
  readonly output: PassThrough;
  /** What the server reads. */
  readonly input: PassThrough;
  /** What it logged: one JSON line a call. */
  readonly log: () => string;
  /** Ends it as a client does that closes its stdin. */
  readonly stop: () => Promise<void>;
}

/** Serves one client over two pipes, as `main.ts` does over stdin and stdout. @throws ConfigError as it does */
export function serveStdioHere(start: ServerStart): ServedHere {
  const { log, written } = keptLog();
  const { desk } = deskOf(start, log, () => true);
  const [input, output] = [new PassThrough(), new PassThrough()];
  const end = serveOverStdio(desk, new StdioServerTransport(input, output));
  let ended: Promise<void> | undefined;
  const stop = () => {
    ended ??= end();
    return ended;
  };
  return { input, output, log: written, stop };
}

/** A server in this process that listens for HTTP. */
export interface ListeningHere {
  readonly port: number;
  readonly log: () => string;
  /** Ends it as `main.ts` does when it is told to. */
  readonly stop: () => Promise<void>;
}

/** Listens on any free port, as `main.ts` does with `--http 0`. @throws ConfigError as it does */
export async function serveHttpHere(start: ServerStart): Promise<ListeningHere> {
  const { log, written } = keptLog();
  const { desk, config } = deskOf(start, log, ({ http }) => isLoopback(http));
  const ending = new AbortController();
  let failed: unknown;
  const served = serveOverHttp(desk, { ...config.http, port: 0 }, ending.signal).catch((error: unknown) => {
    failed = error;
  });
  for (;;) {
    const port = portIn(written());
    const stop = () => {
      ending.abort();
      return served;
    };
    if (port !== null) return { port, log: written, stop };
    if (failed !== undefined) throw failed;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Where a server says in its log that it listens. */
export function portIn(log: string): number | null {
  const port = /"at":"http:\/\/[^"]+:(\d+)\/mcp","principals"/.exec(log)?.[1];
  return port === undefined ? null : Number(port);
}

function deskOf({ args, env }: ServerStart, log: Log, servesPage: (config: Config) => boolean) {
  const { MEDIA_BUYER_CONFIG: file, MEDIA_BUYER_DATA_DIR: dataHome } = env;
  if (file === undefined || dataHome === undefined) throw new Error("a desk without config is a process's: spawn it");
  const config = parseConfig(readFileSync(file, "utf8"), file, env);
  const run = ["node", ...args, "--config", file, "--data-dir", dataHome].join(" ");
  const options = { dataHome, log, sandboxSellers: null, command: run, servesPage: servesPage(config) };
  return { config, desk: openDesk({ ...options, config: { ...config, data_dir: dataHome } }) };
}

/** A log as `main.ts` writes it, kept in memory. */
function keptLog(): { readonly log: Log; readonly written: () => string } {
  let written = "";
  const keep = {
    write: (line: string) => {
      written += line;
    },
  };
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, keep);
  return { log: (message, details) => logger.info(details ?? {}, message), written: () => written };
}
