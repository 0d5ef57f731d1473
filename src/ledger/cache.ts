/**
 * A store for what may be lost: agent cards, media kits, capabilities. Never for anything that concerns spend.
 * Values are JSON; a broken store behaves like an empty one and says so on the log.
 */
export interface Cache {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown, ttlSeconds?: number): Promise<void>;
  delete(key: string): Promise<void>;
  clear(): Promise<void>;
}
