#!/usr/bin/env node
import { existsSync, readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { pino } from "pino";
import { failureInWords } from "./commands/failure.ts";
import { usage, usageOf } from "./commands/usage.ts";
import { type Config, ConfigError, parseConfig, sandboxConfig } from "./config.ts";
import { sellerVariables } from "./config-environment.ts";
import { isLoopback } from "./config-http.ts";
import type { AuditAsk } from "./commands/audit.ts";
import { type DeskOptions, openDesk } from "./desk.ts";
import type { Log } from "./domain/log.ts";
import { sandboxSellersOf } from "./desk-sandbox.ts";
import { defaultConfigFile, defaultDataHome, deskFiles } from "./files.ts";

/** argv and environment -> config -> desk -> serve. The only file that touches the process. */
async function main(): Promise<number | null> {
  const [first] = process.argv.slice(2);
  // The sandbox command reads its own options.
  if (first === "sandbox") return runSandbox(process.argv.slice(3));
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      config: { type: "string" },
      sandbox: { type: "boolean" },
      "data-dir": { type: "string" },
      booked: { type: "string" },
      "not-booked": { type: "boolean" },
      clear: { type: "boolean" },
      note: { type: "string" },
      // The demo's is a wish, the audit's a label.
      campaign: { type: first === "demo" ? "boolean" : "string" },
      since: { type: "string" },
      until: { type: "string" },
      out: { type: "string" },
      verify: { type: "boolean" },
      http: { type: "boolean" },
      noted: { type: "string", multiple: true },
      as: { type: "string" },
      storyboard: { type: "string" },
      check: { type: "boolean" },
      help: { type: "boolean", short: "h" },
      version: { type: "boolean" },
    },
  });
  const [command, argument, ...more] = positionals;
  if (values.help) return print(usageOf(command));
  if (values.version) return print((await import("./version.ts")).version);
  if (command === "docs") return (await import("./commands/docs.ts")).docsCommand(values.check ?? false, print);
  if (command === "token") return (await import("./commands/token.ts")).tokenCommand(argument, print);
  if (command === "demo") return runDemo(values.storyboard, values.campaign === true);
  if (values.sandbox && values.config !== undefined)
    return complain("--sandbox and --config name two desks. Nothing was started.");
  const port = command === undefined ? null : Number(command);
  if (values.http && port !== null && !(Number.isInteger(port) && port >= 0 && port <= 65_535))
    return complain(`--http takes a port, not ${JSON.stringify(command)}.\n\n${usage}`);
  if (!values.http && command !== undefined && !terminalCommands.includes(command))
    return complain(`There is no command ${JSON.stringify(command)}.\n\n${usage}`);
  if (more.length > 0) return complain(`${command} takes one id.\n\n${usageOf(command)}`);
  const options = deskOptions(values.sandbox ?? false, values.config, values["data-dir"]);
  if (values.http) return serveHttp(options, port);
  if (command === undefined) return serve(options);
  if (command === "audit") {
    const { since = null, until = null, out = null, verify = false, noted = [] } = values;
    const campaign = typeof values.campaign === "string" ? values.campaign : null;
    return runAudit(options, { campaign, since, until, out, verify, noted, file: argument ?? null });
  }
  return terminalCommand(command, argument, options, values.as, {
    booked: values.booked ?? null,
    notBooked: values["not-booked"] ?? false,
    clear: values.clear ?? false,
    note: values.note ?? "",
  });
}

const terminalCommands: readonly string[] = [
  "pin",
  "pending",
  "approve",
  "reject",
  "settle",
  "policy",
  "audit",
  "doctor",
];

async function serve(options: DeskOptions): Promise<null> {
  const { serveOverStdio } = await import("./serve-stdio.ts");
  const desk = openDesk({ ...options, servesPage: true });
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

async function serveHttp(options: DeskOptions, port: number | null): Promise<never> {
  const { serveOverHttp } = await import("./serve-http.ts");
  const { http } = options.config;
  // The page is at this machine's localhost, where callers from elsewhere do not get.
  const desk = openDesk({ ...options, servesPage: isLoopback(http) });
  await serveOverHttp(desk, { ...http, port: port ?? http.port }, untilInterrupted());
  process.exit(0);
}

async function terminalCommand(
  command: string,
  argument: string | undefined,
  options: DeskOptions,
  as: string | undefined,
  settle: { booked: string | null; notBooked: boolean; clear: boolean; note: string },
): Promise<number> {
  const needsId = ["approve", "reject", "settle"].includes(command);
  if (needsId && !argument) return complain(`${command} needs an id.\n\n${usageOf(command)}`);
  const [{ terminalOf }, { personNamed, pinCommand }, { approveCommand }, { settleCommand }] = await Promise.all([
    import("./commands/terminal.ts"),
    import("./commands/pin.ts"),
    import("./commands/approve.ts"),
    import("./commands/settle.ts"),
  ]);
  const terminal = terminalOf(process.stdin, process.stdout, userName());
  // A person reads this screen: only what failed is logged on it.
  const desk = openDesk({
    ...options,
    log: (text, details) => details && "error" in details && options.log(text, details),
  });
  const person = { people: desk.people, tries: desk.tries, name: personNamed(as ?? terminal.user) };
  try {
    switch (command) {
      case "pin":
        return await pinCommand(terminal, person);
      case "approve":
      case "reject":
        return await approveCommand(terminal, desk, person, argument ?? "", command === "reject");
      case "pending":
        return await (await import("./commands/pending.ts")).pendingCommand(terminal, desk);
      case "doctor":
        return await (await import("./commands/doctor.ts")).doctorCommand(terminal, desk);
      case "policy":
        return await (await import("./commands/policy.ts")).policyCommand(
          terminal,
          desk,
          person,
          argument === "approve",
        );
      default:
        return await settleCommand(terminal, desk, person, argument ?? "", settle);
    }
  } finally {
    await desk.close();
  }
}

async function runAudit(options: DeskOptions, ask: AuditAsk): Promise<number> {
  const [{ auditCommand }, { peopleKeys }, { verifySignature }, { openSqliteLedger }, { lazyLedger }] =
    await Promise.all([
      import("./commands/audit.ts"),
      import("./people/keys.ts"),
      import("./people/verify.ts"),
      import("./ledger/sqlite.ts"),
      import("./ledger/lazy.ts"),
    ]);
  const { desk, advertiser, sandbox, mandate = null } = options.config;
  const files = deskFiles(options.dataHome, desk);
  const people = peopleKeys(files.people);
  const ledger = lazyLedger(() => openSqliteLedger({ file: files.ledger }));
  try {
    return await auditCommand(
      {
        desk,
        advertiser,
        sandbox,
        mandate,
        ledger: async () => ledger,
        signatures: { verify: (text, signature) => verifySignature(people, text, signature) },
        now: () => new Date(),
        print,
        say: (text) => process.stderr.write(`${text}\n`),
      },
      ask,
    );
  } finally {
    await ledger.close();
  }
}

async function runDemo(named: string | undefined, campaign: boolean): Promise<number> {
  const [{ demo }, { storyboards }, { resetSandbox, playSeller }] = await Promise.all([
    import("./demo/demo.ts"),
    import("./demo/storyboard.ts"),
    import("./sandbox/daemon.ts"),
  ]);
  const storyboard = storyboards.find((one) => one === named) ?? null;
  if (named !== undefined && storyboard === null)
    return complain(`The storyboards are ${storyboards.join(" and ")}, not ${JSON.stringify(named)}.`);
  if (campaign && storyboard !== null) return complain("A storyboard or --campaign, not both.");
  const sandboxOf = (dataHome: string) => deskFiles(dataHome, sandboxConfig().desk).sandbox;
  return demo({
    storyboard,
    campaign,
    command: process.execPath,
    main: ownFile(),
    input: process.stdin,
    output: process.stdout,
    colours: !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb",
    endSandbox: (dataHome) => resetSandbox(sandboxOf(dataHome)),
    playSeller: (dataHome, order) => playSeller(sandboxOf(dataHome), order),
    signal: untilInterrupted(),
  });
}

async function runSandbox(argv: readonly string[]): Promise<number> {
  const { sandboxCommand } = await import("./sandbox/command.ts");
  const at = argv.indexOf("--data-dir");
  const dataHome = dataHomeOf(at < 0 ? undefined : argv[at + 1]);
  const words = at < 0 ? argv : argv.toSpliced(at, 2);
  const context = {
    directory: deskFiles(dataHome, sandboxConfig().desk).sandbox,
    log: (line: string) => process.stderr.write(`${line}\n`),
    out: print,
    spawn: daemonOf(dataHome),
    signal: untilInterrupted(),
  };
  if (!argv.includes("--help") && !argv.includes("-h")) return sandboxCommand(words, context);
  // Asked for, its help is the answer; unasked it is a complaint.
  await sandboxCommand(["help"], { ...context, log: print });
  return 0;
}

function untilInterrupted(): AbortSignal {
  const stop = new AbortController();
  // Whoever types an interrupt twice means it. What ends a terminal may say so twice to the one process it ran (a hang-up goes to
  // the leader and to its group), and the second must not end it before it has tidied up.
  process.once("SIGINT", () => stop.abort());
  for (const name of ["SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());
  return stop.signal;
}

function deskOptions(sandbox: boolean, configFlag: string | undefined, dataFlag: string | undefined): DeskOptions {
  const read = sandbox ? sandboxConfig() : readConfig(configFlag);
  const dataHome = dataFlag ?? read.data_dir ?? dataHomeOf(undefined);
  const config = { ...read, data_dir: dataHome };
  const sandboxSellers = config.sandbox
    ? sandboxSellersOf(deskFiles(dataHome, config.desk).sandbox, daemonOf(dataHome))
    : null;
  // A client may have set these in the environment, where the person's own terminal does not have them.
  const configFile = configFlag ?? process.env["MEDIA_BUYER_CONFIG"];
  const dataDir = dataFlag ?? process.env["MEDIA_BUYER_DATA_DIR"];
  const flags = [
    ...(sandbox ? ["--sandbox"] : configFile === undefined ? [] : ["--config", shellWord(resolve(configFile))]),
    ...(dataDir === undefined ? [] : ["--data-dir", shellWord(resolve(dataDir))]),
  ];
  const log = stderrLog();
  for (const variable of config.sandbox ? sellerVariables : []) {
    if (process.env[variable]) log(`${variable} is not used: a sandbox desk has no real sellers; a desk has a config`);
  }
  return { config, dataHome, log, sandboxSellers, command: [programName(), ...flags].join(" ") };
}

function readConfig(flag: string | undefined): Config {
  const named = flag ?? process.env["MEDIA_BUYER_CONFIG"];
  const file = named ?? defaultConfigFile(process.platform, process.env);
  // A file somebody named must be there; the default one need not.
  if (named === undefined && !existsSync(file)) return sandboxConfig();
  return parseConfig(textOf(file), file, process.env);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new ConfigError(file, [missing ? "there is no such file" : String(error)]);
  }
}

function dataHomeOf(flag: string | undefined): string {
  return flag ?? process.env["MEDIA_BUYER_DATA_DIR"] ?? defaultDataHome(process.platform, process.env);
}

function daemonOf(dataHome: string): { command: string; args: readonly string[] } {
  return { command: process.execPath, args: [ownFile(), "sandbox", "daemon", "--data-dir", dataHome] };
}

function stderrLog(): Log {
  const level = process.env["MEDIA_BUYER_LOG"] ?? "info";
  const levels = [...Object.keys(pino.levels.values), "silent"];
  if (!levels.includes(level)) throw new ConfigError("MEDIA_BUYER_LOG", [`one of ${levels.join(", ")}`]);
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime, level }, pino.destination(2));
  return (message, details) => logger.info(details ?? {}, message);
}

/** The name the system gives the person; a container's user may have none. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/** How a person starts this very program: by its name where that is how it was started, else by its file. */
function programName(): string {
  const started = basename(process.argv[1] ?? "");
  return started.startsWith("media-buyer-mcp") ? "media-buyer-mcp" : `node ${shellWord(ownFile())}`;
}

function shellWord(word: string): string {
  return /^[\w./:\\-]+$/.test(word) ? word : JSON.stringify(word);
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
    process.stderr.write(`${failureInWords(error)}\n`);
    process.exitCode = 2;
  },
);
