import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CampaignReport } from "../../src/buying/campaigns.ts";
import type { Planner } from "../../src/buying/specialist.ts";
import { parseConfig } from "../../src/config.ts";
import { type Desk, openDesk } from "../../src/desk.ts";
import type { Brief } from "../../src/domain/brief.ts";
import { parseMoney } from "../../src/domain/money.ts";
import type { Verbs } from "../../src/planner/verbs.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/sandbox.ts";
import { type ConfigFile, flight, standardConfig } from "../e2e/fixtures.ts";

/** A complete brief over CTV and audio. */
export function briefOf(change: Partial<Omit<Brief, "budget">> & { readonly budget?: string } = {}): Brief {
  const { budget = "120000 USD", ...rest } = change;
  return {
    ...{ name: "Trail shoes", objective: "awareness", kpis: [], basis: { kind: "net" }, flight: flight(30, 89) },
    ...{ audience: { demographics: ["A25-54"], interests: [] }, geo: ["US"], channels: ["ctv", "audio"] },
    ...{ maxCpm: null, frequencyCap: null, brandSafety: [], preferredSellers: [], excludedSellers: [] },
    ...{ poNumber: null, words: null },
    ...rest,
    budget: parseMoney(budget),
  };
}

/** A desk with sandbox sellers, planned for by whoever a test says. */
export interface CampaignBench {
  readonly sandbox: Sandbox;
  desk(planner?: (verbs: Verbs) => Planner, config?: (standard: ConfigFile) => ConfigFile): Desk;
  close(): Promise<void>;
}

/** Starts sellers; each desk that is opened on them has files of its own. */
export async function openCampaigns(options: SandboxOptions = {}): Promise<CampaignBench> {
  const sandbox = await startSandbox({ gapMs: 0, ...options });
  const home = mkdtempSync(join(tmpdir(), "mbm-campaigns-"));
  const opened: Desk[] = [];
  return {
    sandbox,
    desk(planner, config = (standard) => standard) {
      const parsed = parseConfig(JSON.stringify(config(standardConfig(sandbox))), "config.json", {});
      const options = {
        config: parsed,
        dataHome: join(home, `${opened.length}`),
        log: () => undefined,
        sandboxSellers: null,
      };
      const desk = openDesk({ ...options, ...(planner ? { planner } : {}) });
      opened.push(desk);
      return desk;
    },
    async close() {
      for (const desk of opened) await desk.close();
      await sandbox.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Hands in a brief and waits for what comes of it. */
export async function planned(desk: Desk, brief: Brief, waitMs = 20_000): Promise<CampaignReport> {
  const begun = await desk.campaigns.begin(brief, "local");
  if (begun.kind !== "begun") throw new Error(begun.contradictions.join(" "));
  await desk.campaigns.follow(begun.campaignId, waitMs, () => undefined);
  return desk.campaigns.report(begun.campaignId);
}
