import type { Planner } from "./buying/specialist.ts";
import type { PlannerConfig } from "./config-planner.ts";
import type { Desk } from "./desk.ts";
import { plannerPrincipal } from "./domain/principal.ts";
import { deterministicPlanner } from "./planner/deterministic.ts";
import type { Verbs } from "./planner/verbs.ts";

/** Who researches a desk's campaigns: the model of the config, or code alone where it names none. */
export function plannerFor(config: PlannerConfig | null, verbs: Verbs, desk: () => Desk): Planner {
  if (!config) return deterministicPlanner(verbs);
  let opened: Promise<Planner> | undefined;
  const open = () => {
    opened ??= openLlmPlanner(config, desk());
    return opened;
  };
  return {
    name: config.specialist.id,
    allocate: async (...asked) => (await open()).allocate(...asked),
    research: async (task) => (await open()).research(task),
  };
}

/**
 * The model that plans for a desk, as a client of the desk's own server. Loaded with its SDK when it first plans: a desk
 * whose config names no model never does.
 */
export async function openLlmPlanner(config: PlannerConfig, desk: Desk): Promise<Planner> {
  const [{ llmPlanner }, { createServer }] = await Promise.all([import("./planner/llm.ts"), import("./server.ts")]);
  const { apiKey, baseUrl, manager, specialist, maxCost, maxTokens, maxTurns, timeoutMs } = config;
  return llmPlanner({
    ...{ apiKey, baseUrl, manager, specialist, timeoutMs },
    limits: { cost: maxCost, tokens: maxTokens, turns: maxTurns },
    serve: (transport) => createServer(desk, plannerPrincipal, "legacy").connect(transport),
    log: desk.log,
  });
}
