import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ChannelTask, Planner } from "../../src/buying/specialist.ts";
import { parseConfig } from "../../src/config.ts";
import { type Desk, openDesk } from "../../src/desk.ts";
import { openLlmPlanner } from "../../src/desk-planner.ts";
import type { Brief } from "../../src/domain/brief.ts";
import { flightOf } from "../../src/domain/flight.ts";
import { parseMoney } from "../../src/domain/money.ts";
import { type ConfigFile, flight, startDesk, type TestDesk } from "../e2e/fixtures.ts";
import { manager, modelKey, specialist, StubModel } from "./stub.ts";

/** A desk whose config names the stub as its model, and the planner by itself, as the campaign's core has it. */
export interface Scene {
  readonly desk: TestDesk;
  readonly stub: StubModel;
  readonly own: Desk;
  readonly log: () => string;
  /** A planner with limits of its own. */
  planner(more?: ConfigFile): Promise<Planner>;
  close(): Promise<void>;
}

/** The `planner` settings of a config whose model is a stub. */
export function plannerConfig(stub: StubModel, more: ConfigFile = {}): ConfigFile {
  const prices = { input: "3.00 USD", output: "15.00 USD" };
  return {
    ...{ api_key: modelKey, model: manager, specialist_model: specialist, base_url: stub.origin },
    ...{ prices: { [manager]: prices, [specialist]: prices }, timeout_s: 30 },
    ...more,
  };
}

/** Opens a desk with sandbox sellers and a stub. @param change of its config beside the planner's */
export async function openScene(change: (standard: ConfigFile) => ConfigFile = (standard) => standard): Promise<Scene> {
  const stub = await StubModel.open();
  const withPlanner = (more?: ConfigFile) => ({ planner: plannerConfig(stub, more) });
  const desk = await startDesk({ config: (standard) => ({ ...change(standard), ...withPlanner() }) });
  const file = join(desk.directory, "config.json");
  const written: ConfigFile = JSON.parse(readFileSync(file, "utf8"));
  const configWith = (more?: ConfigFile) => parseConfig(JSON.stringify({ ...written, ...withPlanner(more) }), file, {});
  let logged = "";
  const log = (message: string, details?: object) => {
    logged += `${message} ${JSON.stringify(details ?? {})}\n`;
  };
  const dataHome = join(desk.directory, "data");
  const own = openDesk({ config: configWith(), dataHome, log, sandboxSellers: null });
  return {
    desk,
    stub,
    own,
    log: () => logged,
    planner: async (more) => {
      const { planner } = configWith(more);
      if (!planner) throw new Error("the config names a planner");
      return openLlmPlanner(planner, own);
    },
    close: async () => {
      await own.close();
      await desk.close();
      await stub.close();
    },
  };
}

/** A brief as the campaign's core hands it to a planner. */
export function briefOf(change: Partial<Brief> = {}): Brief {
  const { start, end } = flight();
  return {
    ...{ name: "Trail shoes", objective: "awareness", kpis: ["VCR over 75 %"], budget: parseMoney("100000 USD") },
    ...{ basis: { kind: "net" }, flight: flightOf(start, end, new Date(), "flight") },
    ...{ audience: { demographics: ["A25-54"], interests: ["running"] }, geo: ["US"], channels: [], maxCpm: null },
    ...{ frequencyCap: null, brandSafety: [], preferredSellers: [], excludedSellers: [], poNumber: null, words: null },
    ...change,
  };
}

let campaigns = 0;

/** A channel to research, of a campaign of its own. */
export function taskOf(change: Partial<ChannelTask> = {}): ChannelTask & { readonly notes: string[] } {
  campaigns += 1;
  const notes: string[] = [];
  return {
    ...{ campaignId: `cp_${campaigns}`, brief: briefOf(), channel: "ctv", budget: parseMoney("40000 USD") },
    ...{ signal: new AbortController().signal, progress: (note: string) => notes.push(note), notes },
    ...change,
  };
}
