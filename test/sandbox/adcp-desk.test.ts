import { createHash, createPublicKey, type JsonWebKey, verify } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sandboxCommand } from "../../src/sandbox/command.ts";
import { livingLock } from "../../src/sandbox/lock-file.ts";
import { bodyOf, openLoopback } from "../../src/sandbox/loopback.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import type { SandboxSeller } from "../../src/sandbox/sandbox-seller.ts";
import { account, at, auction, document, guaranteed, openAccount, task } from "./adcp-calls.ts";
import { documentErrors, whyNoSchemas } from "../adcp/schemas.ts";

/** The people at the sellers' desks: by command, over a restart, and what they send. */

const directory = mkdtempSync(join(tmpdir(), "sandbox-adcp-"));
const stateFile = join(directory, "state.json");
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Waits for what must come, for four seconds at most. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 4_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("It did not come.");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe("over a restart", () => {
  test("what waits goes on waiting; what was booked is replayed; addresses and prices stay", async () => {
    const options = { sellers: [], adcp: true, gapMs: 0, stateFile } as const;
    const first = await startSandbox(options);
    await openAccount(first.seller("streamhaus"));
    await openAccount(first.seller("openbid"));
    const args = auction();
    const booked = await task(first.seller("openbid"), "create_media_buy", args);
    const waits = await task(first.seller("streamhaus"), "create_media_buy", guaranteed());
    first.adcp.reprice("streamhaus", 1.5);
    await first.close();

    const second = await startSandbox(options);
    try {
      const streamhaus = second.seller("streamhaus");
      expect(second.sellers).toEqual(first.sellers);
      const again = await task(second.seller("openbid"), "create_media_buy", args);
      expect(again).toMatchObject({ replayed: true, media_buy_id: at(booked, "media_buy_id") });
      const id = String(at(waits, "task_id"));
      expect(second.adcp.waiting("streamhaus")).toMatchObject([{ kind: "task", id }]);
      second.adcp.sign("streamhaus", id);
      const told = await task(streamhaus, "get_task_status", { task_id: id, include_result: true, account });
      expect(at(told, "result", "packages", 0, "impressions")).toBe(1_250_000);
      const dearer = await task(streamhaus, "get_products", { buying_mode: "wholesale" });
      expect(at(dearer, "products", 0, "pricing_options", 0, "fixed_price")).toBe(36);
    } finally {
      await second.close();
    }
  });
});

describe("by command", () => {
  test("starts, signs, turns down, delays, lets time pass, switches modes", async () => {
    const home = join(directory, "home");
    const out: string[] = [];
    const log: string[] = [];
    const context = { directory: home, log: (line: string) => log.push(line), out: (line: string) => out.push(line) };
    const ending = new AbortController();
    const running = sandboxCommand([], { ...context, signal: ending.signal });
    const say = async (...words: string[]) => {
      const code = await sandboxCommand(words, context);
      return code === 0 ? JSON.parse(out.at(-1) ?? "") : log.at(-1);
    };
    try {
      await until(async () => (await livingLock(home)) !== null);
      const streamhaus = (await livingLock(home))?.sellers.find((seller) => seller.id === "streamhaus");
      if (!streamhaus) throw new Error("no streamhaus");
      expect(streamhaus).toMatchObject({
        protocol: "adcp",
        carrier: "mcp",
        publishers: { "trailcast.example": /^http/ },
      });
      await openAccount(streamhaus);
      const made = await task(streamhaus, "create_media_buy", guaranteed());
      const id = String(at(made, "task_id"));
      expect(await say("waiting", "streamhaus")).toMatchObject({ waiting: [{ id }] });
      expect(await say("delay", "streamhaus", "--words", "Monday.")).toEqual({ delayed: id });
      expect(await say("sign", "streamhaus", id)).toEqual({ signed: id });
      expect(await say("sign", "streamhaus")).toMatch(/waits at the desk/);
      expect(await say("pass", "streamhaus", "--ms", "1000")).toEqual({ ok: true });
      expect(await say("buys", "streamhaus")).toMatchObject({ buys: [{ status: "pending_creatives" }] });
      expect(await say("modes", "streamhaus", "accounts-pending", "strict30")).toEqual({ ok: true });
      expect(await say("modes", "streamhaus", "friendly")).toMatch(/Invalid/);
      expect(await say("sign", "northbeam")).toMatch(/does not speak AdCP/);
      expect(
        await say(
          "fault",
          "streamhaus",
          "error-envelope",
          "--code",
          "RATE_LIMITED",
          "--recovery",
          "transient",
          "--uses",
          "1",
        ),
      ).toMatchObject({ faults: [{ code: "RATE_LIMITED" }] });
      const refused = await task(streamhaus, "list_accounts", {});
      expect(at(refused, "adcp_error")).toMatchObject({ code: "RATE_LIMITED", recovery: "transient", retry_after: 1 });
    } finally {
      ending.abort();
      expect(await running).toBe(0);
    }
  });
});

describe("webhooks", () => {
  let sandbox: Sandbox;
  let seller: SandboxSeller;
  const token = "a-token-of-the-test";
  const received: { headers: IncomingHttpHeaders; body: string; target: string }[] = [];
  let receiver: Awaited<ReturnType<typeof openLoopback>>;

  beforeAll(async () => {
    sandbox = await startSandbox({ sellers: [], adcp: ["streamhaus"], gapMs: 0 });
    seller = sandbox.seller("streamhaus");
    await openAccount(seller);
    receiver = await openLoopback(0, (request, response) => {
      bodyOf(request).then(
        (body) => {
          received.push({ headers: request.headers, body, target: request.url ?? "" });
          response.writeHead(204).end();
        },
        () => response.destroy(),
      );
    });
  });

  afterAll(async () => {
    await sandbox.close();
    await receiver.close();
  });

  /** Orders a guaranteed buy that is to be told of, and returns its task. */
  async function ordered(more: object = {}): Promise<string> {
    const push_notification_config = { url: `${receiver.url}/hook`, operation_id: "op-1", token, ...more };
    return String(at(await task(seller, "create_media_buy", guaranteed({ push_notification_config })), "task_id"));
  }

  async function isSound({ headers, body, target }: (typeof received)[number]): Promise<boolean> {
    const input = String(headers["signature-input"]).slice("sig1=".length);
    const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
    const lines = [
      `"@method": POST`,
      `"@target-uri": ${receiver.url}${target}`,
      `"@authority": ${headers.host}`,
      `"content-type": ${headers["content-type"]}`,
      `"content-digest": ${digest}`,
      `"@signature-params": ${input}`,
    ];
    const brandFile = (await document(`${new URL(seller.url).origin}/.well-known/brand.json`)).body;
    expect(at(brandFile, "agents", 0, "url")).toBe(seller.url);
    const keys = (await document(String(at(brandFile, "agents", 0, "jwks_uri")))).body;
    const jwk = at(keys, "keys", 0) as JsonWebKey;
    const [, signature = ""] = /^sig1=:(.*):$/.exec(String(headers["signature"])) ?? [];
    const key = createPublicKey({ key: jwk, format: "jwk" });
    return verify(null, Buffer.from(lines.join("\n")), key, Buffer.from(signature, "base64url"));
  }

  test("a signature is told, signed by the key that brand.json leads to; flaws do not verify", async () => {
    const id = await ordered();
    sandbox.adcp.sign("streamhaus", id);
    await until(() => received.length > 0);
    const [first] = received;
    if (!first) throw new Error("nothing received");
    const said: unknown = JSON.parse(first.body);
    expect(said).toMatchObject({ operation_id: "op-1", token, task_id: id, status: "completed" });
    expect(at(said, "result", "media_buy_id")).toBeTruthy();
    if (whyNoSchemas("3.1") === null) expect(documentErrors("3.1", "core/mcp-webhook-payload.json", said)).toEqual([]);
    expect(await isSound(first)).toBe(true);
    for (const flaw of ["none", "tampered", "other-key"] as const) {
      expect(await sandbox.adcp.notify("streamhaus", id, flaw)).toBe(204);
      const last = received.at(-1);
      expect(last && (await isSound(last)), flaw).toBe(flaw === "none");
    }
    const [, repeated] = received;
    expect(at(JSON.parse(repeated?.body ?? ""), "idempotency_key")).toBe(at(said, "idempotency_key"));
  });

  test("credentials switch to the older scheme; only loopback is called", async () => {
    const authentication = { schemes: ["HMAC-SHA256"], credentials: "x".repeat(32) };
    const id = await ordered({ authentication });
    expect(await sandbox.adcp.notify("streamhaus", id)).toBe(204);
    expect(received.at(-1)?.headers["x-adcp-signature"]).toMatch(/^sha256=[0-9a-f]{64}$/);
    const far = await ordered({ url: "http://buyer.example/hook" });
    expect(await sandbox.adcp.notify("streamhaus", far)).toBeNull();
  });
});
