import type { Planner } from "./buying/specialist.ts";
import type { PlannerConfig } from "./config-planner.ts";
import type { Desk } from "./desk.ts";
import { plannerPrincipal } from "./domain/principal.ts";

/**
 * The model that plans for a desk, as a client of the desk's own server. Loaded with its SDK when it is first needed: a
 * desk whose config names no planner never does.
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
