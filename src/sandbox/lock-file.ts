import { rmSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import * as z from "zod";
import { bodyOf } from "./loopback.ts";
import { readJson, replaceFile } from "./takeover.ts";

/** The file by which every process of a desk finds its one sandbox. */

const tierKeys = z.object({ seat: z.string(), agency: z.string(), advertiser: z.string() });

const lockContent = z.object({
  pid: z.number().int(),
  admin: z.object({ url: z.url(), token: z.string() }),
  sellers: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      domain: z.string(),
      protocol: z.enum(["iab-seller-agent", "adcp", "opendirect"]).default("iab-seller-agent"),
      url: z.url(),
      version: z.string(),
      keys: tierKeys,
      carrier: z.enum(["mcp", "a2a"]).optional(),
      agents: z.object({ mcp: z.url().optional(), a2a: z.url().optional() }).optional(),
      publishers: z.record(z.string(), z.url()).optional(),
    }),
  ),
});

/** Who runs the sandbox, how to command it, and where its sellers answer. */
export type SandboxLock = z.output<typeof lockContent>;

function fileIn(directory: string): string {
  return join(directory, "sandbox.lock");
}

/** Where the sellers' memory lies. */
export function stateFileIn(directory: string): string {
  return join(directory, "sandbox.json");
}

/** The lock as it stands; null when there is none or it is not whole. It may name a sandbox that is no more. */
export function readLock(directory: string): SandboxLock | null {
  const result = lockContent.safeParse(readJson(fileIn(directory)));
  return result.success ? result.data : null;
}

/** Publishes a running sandbox. */
export function writeLock(directory: string, lock: SandboxLock): void {
  replaceFile(fileIn(directory), JSON.stringify(lock));
}

/** Withdraws it, unless another sandbox has published itself since. */
export function removeLock(directory: string, token: string): void {
  if (readLock(directory)?.admin.token === token) rmSync(fileIn(directory), { force: true });
}

/** Removes the lock and the memory of a sandbox that has ended. */
export function removeFiles(directory: string): void {
  rmSync(fileIn(directory), { force: true });
  rmSync(stateFileIn(directory), { force: true });
}

const orderMs = 2_000;

function sent(
  lock: SandboxLock,
  method: string,
  path: string,
  body: string,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    // A connection of its own: a kept one may belong to a sandbox that has ended since.
    const options = { method, agent: false, headers: { Authorization: `Bearer ${lock.admin.token}` } };
    const call = request(lock.admin.url + path, options, (response) => {
      bodyOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
    call.setTimeout(orderMs, () => call.destroy(new Error(`The sandbox did not answer within ${orderMs} ms.`)));
    call.on("error", reject);
    call.end(body);
  });
}

/** Sends an order to a sandbox's admin endpoint and returns its answer; throws when nobody obeys. */
export async function command(
  lock: SandboxLock,
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: unknown,
): Promise<unknown> {
  const { status, text } = await sent(lock, method, path, body === undefined ? "" : JSON.stringify(body));
  const answer: unknown = JSON.parse(text);
  if (status === 200) return answer;
  const reason = typeof answer === "object" && answer !== null && "error" in answer ? String(answer.error) : "";
  throw new Error(reason || `the sandbox answered ${status}`);
}

/** The lock, if a sandbox answers to it. */
export async function livingLock(directory: string): Promise<SandboxLock | null> {
  const lock = readLock(directory);
  if (!lock) return null;
  try {
    await command(lock, "GET", "/health");
    return lock;
  } catch {
    return null;
  }
}
