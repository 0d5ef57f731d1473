import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { adcpModes, adcpProfiles } from "./adcp/profile.ts";
import { ensureSandbox, resetSandbox, runSandboxDaemon, type SandboxCommand } from "./daemon.ts";
import { faultKinds, faultSpec, operations } from "./faults.ts";
import { command, livingLock, type SandboxLock } from "./lock-file.ts";
import { sellerProfiles } from "./catalogue.ts";
import { openDirectProfiles } from "./opendirect/profile.ts";
import type { SandboxSeller } from "./sandbox-seller.ts";

/** What the `sandbox` command needs of the program around it. */
export interface CommandContext {
  /** The desk's data directory. */
  readonly directory: string;
  /** Takes a line of what happened (standard error). */
  readonly log: (line: string) => void;
  /** Takes a line of the result (standard output). */
  readonly out: (line: string) => void;
  /** How to start the sandbox process when an order needs one and none runs; absent: such an order is refused. */
  readonly spawn?: SandboxCommand;
  /** Ends a sandbox that runs in this process. */
  readonly signal?: AbortSignal;
}

const usage = `media-buyer-mcp sandbox                          run the sandbox sellers here until interrupted
media-buyer-mcp sandbox --opendirect             the same, with those that speak OpenDirect
media-buyer-mcp sandbox status                   where they answer, with their sandbox-only keys
media-buyer-mcp sandbox reset                    stop them and forget their quotes, deals and faults
media-buyer-mcp sandbox fault <seller> <fault>   switch a fault on [--operation deal] [--uses 1] [--ms 2000] …
media-buyer-mcp sandbox fault <seller> off       switch all its faults off
media-buyer-mcp sandbox faults                   the faults that are on
media-buyer-mcp sandbox deals <seller>           the deals in its books
media-buyer-mcp sandbox requests <seller>        the requests it got
media-buyer-mcp sandbox expire <seller> <quote>  let a quote expire now [--gone]

At an IAB seller you play its people, to whom a buyer proposes terms:
media-buyer-mcp sandbox proposals <seller> [json]   what was proposed; make it differ: '{"approvalAbove":10000}'
media-buyer-mcp sandbox decide <seller> approve|reject|counter   the newest [--words why] [--cpm 28.75]

At an AdCP seller you play its people, here or on the page of its desk that status names:
media-buyer-mcp sandbox waiting <seller>         what waits for somebody there
media-buyer-mcp sandbox sign <seller> [id]       sign it: an insertion order, an account, a media buy; the newest
media-buyer-mcp sandbox reject <seller> [id]     turn it down [--words why]
media-buyer-mcp sandbox delay <seller> [id]      ask for time [--words what for]
media-buyer-mcp sandbox buys <seller>            the media buys in its books
media-buyer-mcp sandbox pass <seller> --days n   let time pass for its media buys
media-buyer-mcp sandbox modes <seller> [mode …]  make it differ; none: its usual self

At an OpenDirect seller:
media-buyer-mcp sandbox books <seller>           its orders and lines
media-buyer-mcp sandbox accept <seller> [line]   a pending reservation or booking; the newest
media-buyer-mcp sandbox decline <seller> [line]  the same, turned down [--words why]
media-buyer-mcp sandbox expire <seller> [line]   a reservation runs out
media-buyer-mcp sandbox lose <seller> <step>     the next answer to order, line, reserve, book … is lost
media-buyer-mcp sandbox pass <seller> --days n   let time pass for its lines
media-buyer-mcp sandbox behave <seller> <json>   make it differ: '{"dialect":"camel","decides":"by-hand"}'

sellers: ${[...sellerProfiles, ...adcpProfiles, ...openDirectProfiles].map((seller) => seller.id).join(", ")}
faults: ${faultKinds.join(", ")}
operations: ${operations.join(", ")}, read, any
modes: ${adcpModes.join(", ")}
options: --uses n, --ms n, --factor 1.1, --bytes n, --when before|after, --how …, --close, --to url`;

const flags = {
  operation: { type: "string" },
  uses: { type: "string" },
  ms: { type: "string" },
  factor: { type: "string" },
  bytes: { type: "string" },
  when: { type: "string" },
  how: { type: "string" },
  to: { type: "string" },
  close: { type: "boolean" },
  opendirect: { type: "boolean" },
  gone: { type: "boolean" },
  days: { type: "string" },
  cpm: { type: "string" },
  words: { type: "string" },
  code: { type: "string" },
  recovery: { type: "string" },
  "idle-ms": { type: "string" },
} as const;

type Values = ReturnType<typeof parse>["values"];

function parse(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options: flags, allowPositionals: true, strict: true });
}

function faultFrom(kind: string | undefined, values: Values): unknown {
  const numbers = { uses: values.uses, ms: values.ms, factor: values.factor, bytes: values.bytes };
  const given = Object.entries(numbers).flatMap(([name, text]) => (text === undefined ? [] : [[name, Number(text)]]));
  const { operation, when, how, to, close, code, recovery } = values;
  const said = Object.entries({ operation, when, how, to, close, code, recovery }).filter(
    ([, value]) => value !== undefined,
  );
  const result = faultSpec.safeParse({ kind, ...Object.fromEntries(said), ...Object.fromEntries(given) });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new Error(`${issue?.path.join(".") || "fault"}: ${issue?.message}`);
}

function table(sellers: readonly SandboxSeller[]): string {
  const rows = sellers.map(
    ({ id, name, url, keys, protocol }) =>
      `${id}\t${name}\t${url}\n\tkeys ${Object.values(keys).join(", ")}${protocol === "adcp" ? `\n\tits desk ${new URL("/desk", url).href}` : ""}`,
  );
  return rows.join("\n");
}

async function reached(context: CommandContext): Promise<SandboxLock> {
  if (context.spawn) await ensureSandbox({ directory: context.directory, spawn: context.spawn });
  const lock = await livingLock(context.directory);
  if (!lock) throw new Error("No sandbox is running here. Start one with: media-buyer-mcp sandbox");
  return lock;
}

function sellerId(lock: SandboxLock, id: string | undefined): string {
  if (id !== undefined && lock.sellers.some((seller) => seller.id === id)) return id;
  throw new Error(`Which seller? One of ${lock.sellers.map((seller) => seller.id).join(", ")}.`);
}

async function run(context: CommandContext, idleMs: number, opendirect: boolean): Promise<void> {
  const living = await livingLock(context.directory);
  if (living) {
    context.out(`The sandbox already runs in process ${living.pid}.\n${table(living.sellers)}`);
    return;
  }
  await runSandboxDaemon({
    directory: context.directory,
    idleMs,
    opendirect,
    log: context.log,
    ...(context.signal ? { signal: context.signal } : {}),
    onReady: (sellers) => context.out(table(sellers)),
  });
}

async function order(context: CommandContext, words: readonly string[], values: Values): Promise<void> {
  const [verb, first, second] = words;
  const lock = await reached(context);
  const show = (answer: unknown) => context.out(JSON.stringify(answer, null, 2));
  if (verb === "status") context.out(`process ${lock.pid}\n${table(lock.sellers)}`);
  else if (verb === "faults") show(await command(lock, "GET", "/faults"));
  else if (verb === "fault") {
    const seller = sellerId(lock, first);
    if (second === "off") show(await command(lock, "DELETE", `/faults?seller=${seller}`));
    else show(await command(lock, "POST", "/faults", { seller, fault: faultFrom(second, values) }));
  } else if (verb === "deals" || verb === "requests") {
    show(await command(lock, "GET", `/${verb}?seller=${sellerId(lock, first)}`));
  } else if (verb === "proposals" || verb === "decide") {
    const { words: said, cpm } = values;
    const habits = verb === "proposals" && second !== undefined ? { habits: JSON.parse(second) } : {};
    const decided = verb === "decide" ? { decide: second, words: said, cpm: cpm && Number(cpm) } : {};
    show(await command(lock, "POST", "/proposals", { seller: sellerId(lock, first), ...habits, ...decided }));
  } else if (openDirectOrders.includes(verb ?? "") || speaksOpenDirect(lock, first)) {
    sellerId(lock, first);
    show(await command(lock, "POST", "/opendirect", openDirectOrderOf(words, values)));
  } else if (verb !== undefined && adcpOrders.includes(verb)) {
    const seller = sellerId(lock, first);
    const id = second === undefined || verb === "modes" ? {} : { id: second };
    const modes = verb === "modes" ? { modes: words.slice(2) } : {};
    const ms = passed(values);
    const said = values.words === undefined ? {} : { words: values.words };
    show(await command(lock, "POST", "/adcp", { order: verb, seller, ...id, ...modes, ...ms, ...said }));
  } else {
    const seller = sellerId(lock, first);
    show(await command(lock, "POST", "/expire", { seller, quote_id: second, gone: values.gone ?? false }));
  }
}

function passed({ days, ms }: Values): object {
  const said = days === undefined ? ms : String(Number(days) * 86_400_000);
  return said === undefined ? {} : { ms: Number(said) };
}

function speaksOpenDirect(lock: SandboxLock, seller: string | undefined): boolean {
  return lock.sellers.some(({ id, protocol }) => id === seller && protocol === "opendirect");
}

/** The admin endpoint checks what it is asked; here words only become fields. */
function openDirectOrderOf([verb, seller, what]: readonly string[], values: Values): object {
  const order = { order: verb, seller, ...passed(values) };
  if (verb === "behave") return { ...order, behaviour: JSON.parse(what ?? "{}") };
  if (verb === "lose") return { ...order, step: what };
  const line = what === undefined ? {} : { line: what };
  return { ...order, ...line, ...(verb === "decline" ? { words: values.words ?? "No reason given" } : {}) };
}

const openDirectOrders = ["books", "accept", "decline", "lose", "behave"];
const adcpOrders = ["waiting", "sign", "reject", "delay", "buys", "pass", "modes"];
const orders = [
  "status",
  "faults",
  "fault",
  "deals",
  "requests",
  "expire",
  "proposals",
  "decide",
  ...adcpOrders,
  ...openDirectOrders,
];

/**
 * The `sandbox` command: `argv` is what follows the word `sandbox`. Returns the exit code; 2 for a command that was
 * not understood. `daemon` is the one a server starts in the background: it ends after ten idle minutes.
 */
export async function sandboxCommand(argv: readonly string[], context: CommandContext): Promise<number> {
  try {
    const { positionals, values } = parse(argv);
    const [verb] = positionals;
    if (verb === undefined || verb === "run") {
      mkdirSync(context.directory, { recursive: true, mode: 0o700 });
      await run(context, Number(values["idle-ms"] ?? "Infinity"), values.opendirect ?? false);
    } else if (verb === "daemon") {
      await run({ ...context, out: context.log }, Number(values["idle-ms"] ?? 600_000), values.opendirect ?? false);
    } else if (verb === "reset") {
      await resetSandbox(context.directory);
      context.out("The sandbox is stopped and its memory is gone.");
    } else if (orders.includes(verb)) await order(context, positionals, values);
    else {
      context.log(usage);
      return 2;
    }
    return 0;
  } catch (error) {
    context.log(error instanceof Error ? error.message : String(error));
    return 1;
  }
}
