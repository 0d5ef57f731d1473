import type { RegisteredAgent, SandboxRegistry } from "../../src/sandbox/registry.ts";
import { startRegistry } from "../../src/sandbox/registry.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../src/sandbox/sandbox.ts";
import { type ConfigFile, startDesk, type TestDesk } from "./fixtures.ts";

/** What one registry is called in the config, and which dialect of it is spoken. */
export interface NamedRegistry {
  readonly id: string;
  readonly kind: "aamp" | "aamp-legacy" | "agenticadvertising";
  /** What else its entry holds. */
  readonly entry?: ConfigFile;
}

/** A desk whose config lists no seller but what a test puts there: the sandbox's sellers are found in registries. */
export interface RegistryDesk {
  readonly desk: TestDesk;
  readonly sellers: Sandbox;
  /** A registry by what the config calls it. */
  registry(id: string): SandboxRegistry;
  /** An agent as a registry would hold it: a sandbox seller, by its id. */
  agent(seller: string, trust: RegisteredAgent["trust"], change?: Partial<RegisteredAgent>): RegisteredAgent;
  close(): Promise<void>;
}

/** Starts sellers, registries and a desk on them. */
export async function registryDesk(
  registries: readonly NamedRegistry[],
  config: (standard: ConfigFile, sellers: Sandbox) => ConfigFile = (standard) => standard,
  sandbox: SandboxOptions = {},
): Promise<RegistryDesk> {
  const sellers = await startSandbox({ gapMs: 0, ...sandbox });
  const started = new Map(
    await Promise.all(registries.map(async ({ id }) => [id, await startRegistry({ id })] as const)),
  );
  const desk = await startDesk({
    sandbox: { sellers: [] },
    config: (standard) =>
      config(
        {
          ...standard,
          registries: registries.map(({ id, kind, entry }) => ({ id, kind, url: started.get(id)?.url, ...entry })),
        },
        sellers,
      ),
  });
  return {
    desk,
    sellers,
    registry(id) {
      const found = started.get(id);
      if (!found) throw new Error(`no registry ${id}`);
      return found;
    },
    agent(seller, trust, change = {}) {
      const { url, name } = sellers.seller(seller);
      return { url, name, id: `ag-${seller}`, trust, ...change };
    },
    async close() {
      await desk.close();
      await sellers.close();
      await Promise.all([...started.values()].map((registry) => registry.close()));
    },
  };
}
