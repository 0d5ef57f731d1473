#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { type Config, ConfigError, parseConfig, type SellerConfig, Secret, sandboxConfig } from "./config.ts";
import { type DeskOptions, openDesk } from "./desk.ts";
import type { Log } from "./domain/log.ts";
import { defaultConfigFile, defaultDataHome, deskFiles } from "./files.ts";

const usage = `media-buyer-mcp                       serve one MCP client over stdio
media-buyer-mcp demo                  the whole job on sandbox sellers, from discovery to a booked deal
media-buyer-mcp pin                   set the PIN that approves at this terminal
media-buyer-mcp approve <id>          show an approval's terms, and decide it with the PIN
media-buyer-mcp settle <media_buy>    end an unknown booking: --booked <deal id> | --not-booked; or an incident: --clear
media-buyer-mcp sandbox [...]         run, reset or disturb the sandbox sellers (media-buyer-mcp sandbox --help)
media-buyer-mcp docs [--check]        write the generated pages of docs/, or say whether they are current

--config <file>   the desk's config; default MEDIA_BUYER_CONFIG, then the user's config directory; without any: sandbox
--data-dir <dir>  where ledgers are kept; default MEDIA_BUYER_DATA_DIR, then the user's local data directory
--version, --help`;

/** argv and environment -> config -> desk -> serve. The only file that touches the process. */
async function main(): Promise<number | null> {
  const [first] = process.argv.slice(2);
  // The sandbox command reads its own options.
  if (first === "sandbox") return runSandbox(process.argv.slice(3));
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      config: { type: "string" },
      "data-dir": { type: "string" },
      booked: { type: "string" },
      "not-booked": { type: "boolean" },
      clear: { type: "boolean" },
      note: { type: "string" },
      check: { type: "boolean" },
      help: { type: "boolean", short: "h" },
      version: { type: "boolean" },
    },
  });
  const [command, argument] = positionals;
  if (values.help) return print(usage);
  if (values.version) return print((await import("./version.ts")).version);
  if (command === "docs") return (await import("./commands/docs.ts")).docsCommand(values.check ?? false, print);
  if (command === "demo") return runDemo();
  const options = deskOptions(values.config, values["data-dir"]);
  if (command === undefined) return serve(options);
  return terminalCommand(command, argument, options, {
    booked: values.booked ?? null,
    notBooked: values["not-booked"] ?? false,
    clear: values.clear ?? false,
    note: values.note ?? "",
  });
}

async function serve(options: DeskOptions): Promise<null> {
  const { serveOverStdio } = await import("./serve-stdio.ts");
  const desk = openDesk(options);
  const stop = serveOverStdio(desk);
  const leave = () => {
    stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once("SIGTERM", leave);
  process.once("SIGINT", leave);
  process.stdin.once("end", leave);
  // A client that is gone must not take the ledger's last word with it.
  process.stdout.on("error", leave);
  return null;
}

async function terminalCommand(
  command: string,
  argument: string | undefined,
  options: DeskOptions,
  settle: { booked: string | null; notBooked: boolean; clear: boolean; note: string },
): Promise<number> {
  const known = ["pin", "approve", "settle"];
  if (!known.includes(command)) return complain(`There is no command "${command}".\n\n${usage}`);
  if (command !== "pin" && !argument) return complain(`${command} needs an id.\n\n${usage}`);
  const [{ terminalOf }, { pinOf, pinCommand }, { approveCommand }, { settleCommand }, { openSqliteLedger }] =
    await Promise.all([
      import("./commands/terminal.ts"),
      import("./commands/pin.ts"),
      import("./commands/approve.ts"),
      import("./commands/settle.ts"),
      import("./ledger/sqlite.ts"),
    ]);
  const files = deskFiles(options.dataHome, options.config.desk);
  const terminal = terminalOf(process.stdin, process.stdout, userInfo().username);
  const ledger = await openSqliteLedger({ file: files.ledger });
  const pin = pinOf(files.pin, options.config.desk, ledger, () => new Date());
  const desk = openDesk(options);
  try {
    if (command === "pin") return await pinCommand(terminal, pin);
    if (command === "approve") return await approveCommand(terminal, desk, pin, argument ?? "");
    return await settleCommand(terminal, desk, pin, argument ?? "", settle);
  } finally {
    await desk.close();
    await ledger.close();
  }
}

async function runDemo(): Promise<number> {
  const { demo } = await import("./demo/demo.ts");
  return demo({
    command: process.execPath,
    main: ownFile(),
    input: process.stdin,
    output: process.stdout,
    platform: process.platform,
  });
}

async function runSandbox(argv: readonly string[]): Promise<number> {
  const { sandboxCommand } = await import("./sandbox/command.ts");
  const at = argv.indexOf("--data-dir");
  const dataHome = dataHomeOf(at < 0 ? undefined : argv[at + 1]);
  const words = at < 0 ? argv : argv.toSpliced(at, 2);
  const stop = new AbortController();
  process.once("SIGTERM", () => stop.abort());
  process.once("SIGINT", () => stop.abort());
  return sandboxCommand(words, {
    directory: deskFiles(dataHome, sandboxConfig().desk).sandbox,
    log: (line) => process.stderr.write(`${line}\n`),
    out: print,
    spawn: daemonOf(dataHome),
    signal: stop.signal,
  });
}

function deskOptions(configFlag: string | undefined, dataFlag: string | undefined): DeskOptions {
  const config = readConfig(configFlag);
  const dataHome = config.data_dir ?? dataHomeOf(dataFlag);
  const sandboxSellers = config.sandbox ? sandboxSellersOf(dataHome, config) : null;
  return { config, dataHome, log: stderrLog(), sandboxSellers };
}

function readConfig(flag: string | undefined): Config {
  const named = flag ?? process.env["MEDIA_BUYER_CONFIG"];
  const file = named ?? defaultConfigFile(process.platform, process.env);
  // A file somebody named must be there; the default one need not.
  if (named === undefined && !existsSync(file)) return sandboxConfig();
  return parseConfig(readFileSync(file, "utf8"), file, process.env);
}

function dataHomeOf(flag: string | undefined): string {
  return flag ?? process.env["MEDIA_BUYER_DATA_DIR"] ?? defaultDataHome(process.platform, process.env);
}

/** Starts the desk's sandbox when it is first needed, and says where its sellers are. */
function sandboxSellersOf(dataHome: string, config: Config): () => Promise<readonly SellerConfig[]> {
  const directory = deskFiles(dataHome, config.desk).sandbox;
  return async () => {
    const { ensureSandbox } = await import("./sandbox/daemon.ts");
    const sellers = await ensureSandbox({ directory, spawn: daemonOf(dataHome) });
    const trust = ["preferred", "verified", "registered"] as const;
    return sellers.map(({ id, name, domain, url, keys }, index) => ({
      id,
      name,
      domain,
      url,
      protocol: "iab-seller-agent",
      trust: trust[index] ?? "registered",
      relationship: index === 0 ? ("trusted" as const) : ("established" as const),
      credentials: Object.fromEntries(
        Object.entries(keys).map(([tier, key]) => [tier, { kind: "api_key" as const, secret: new Secret(key) }]),
      ),
    }));
  };
}

function daemonOf(dataHome: string): { command: string; args: readonly string[] } {
  return { command: process.execPath, args: [ownFile(), "sandbox", "daemon", "--data-dir", dataHome] };
}

function stderrLog(): Log {
  const logger = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime, level: process.env["MEDIA_BUYER_LOG"] ?? "info" },
    pino.destination(2),
  );
  return (message, details) => logger.info(details ?? {}, message);
}

function ownFile(): string {
  return fileURLToPath(import.meta.url);
}

function print(text: string): 0 {
  process.stdout.write(`${text}\n`);
  return 0;
}

function complain(text: string): 2 {
  process.stderr.write(`${text}\n`);
  return 2;
}

main().then(
  (code) => {
    if (code !== null) process.exitCode = code;
  },
  (error: unknown) => {
    const known =
      error instanceof ConfigError ||
      (error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS"));
    process.stderr.write(
      `${known && error instanceof Error ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = 2;
  },
);
