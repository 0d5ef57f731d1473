import { createServer, request } from "node:http";
import { verifies } from "../requirements.ts";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { requestErrors, whyNoSchemas } from "../adcp/schemas.ts";
import { listen, open } from "../sellers/loopback.ts";
import { kindsOf } from "./booking-fixtures.ts";
import { type Connection, approving } from "./client.ts";
import { flight, startDesk, type TestDesk } from "./fixtures.ts";
import { listeningOf, principals, tokens } from "./http-server.ts";

vi.setConfig({ testTimeout: 60_000 });

let desk: TestDesk;
afterEach(() => desk.close());

/** Nobody is looked at for a minute: what is booked sooner is booked for a webhook. */
const patient = { booking: { follow_every_s: 60 } };

/** A desk over HTTP, reached by its sellers through a proxy whose address the config names. */
async function served(webhooks: Record<string, unknown> = {}, more: Record<string, unknown> = patient) {
  let port = 0;
  const proxy = createServer((incoming, outgoing) => {
    const { method = "", url = "", headers } = incoming;
    const onward = request({ port, method, path: url, headers, host: "127.0.0.1" }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  open.push(
    async () => proxy.closeAllConnections(),
    async () => new Promise((done) => proxy.close(done)),
  );
  const base = await listen(proxy);
  desk = await startDesk({
    sandbox: { sellers: [], adcp: ["streamhaus"] },
    config: (standard) => ({
      ...standard,
      ...more,
      http: { principals },
      adcp: { ...Object(standard["adcp"]), webhooks: { base_url: base, ...webhooks } },
    }),
  });
  const server = await desk.serveHttp();
  port = server.port;
  const agent = await desk.connect({ person: approving, over: listeningOf(server, tokens.agent) });
  return { base, server, agent };
}

/** A guaranteed buy that is on the seller's desk. */
async function waiting(client: Connection): Promise<{ readonly ref: string; readonly task: string }> {
  const item = { product: "streamhaus/outdoor_ctv_q2_guaranteed", flight: flight(), budget: "50000.00 USD" };
  const ref = (await client.ok("request_quote", { items: [item] })).string("quotes", 0, "quote_id");
  const reply = await client.ok("create_media_buy", { lines: [{ quote_id: ref }] });
  expect(reply.at("media_buys", 0, "status"), reply.text).toBe("awaiting_seller");
  return { ref, task: desk.sandbox.adcp.tasks("streamhaus").at(-1)?.id ?? "" };
}

/** Whether a buy is booked in the ledger within a time; nobody looks at the seller for that. */
async function isBooked(ref: string, withinMs: number): Promise<boolean> {
  const until = Date.now() + withinMs;
  for (;;) {
    if ((await kindsOf(desk, ref)).includes("booking_confirmed")) return true;
    if (Date.now() >= until) return false;
    await delay(100);
  }
}

/** What a seller was asked to send. */
function registered(): Record<string, unknown> | undefined {
  return Object(desk.sandbox.adcp.tasks("streamhaus").at(-1)?.webhook ?? undefined);
}

describe("a webhook over HTTP", () => {
  test("of a signature at the seller brings the booking at once", async () => {
    const { base, agent } = await served();
    const { ref, task } = await waiting(agent);
    expect(registered()).toMatchObject({ url: expect.stringContaining(`${base}/webhooks/adcp/`) });
    expect(registered()).not.toHaveProperty("authentication");
    desk.sandbox.adcp.sign("streamhaus", task);
    expect(await isBooked(ref, 10_000)).toBe(true);
    expect(desk.sandbox.adcp.buys("streamhaus")).toHaveLength(1);
  });

  test("by a shared secret of the one request does so too", async () => {
    const hmac_secret = "0123456789abcdef0123456789abcdef";
    const { agent } = await served({ hmac_secret });
    const { ref, task } = await waiting(agent);
    expect(registered()).toMatchObject({
      authentication: { schemes: ["HMAC-SHA256"], credentials: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(JSON.stringify(desk.sandbox.requests("streamhaus"))).not.toContain(hmac_secret);
    desk.sandbox.adcp.sign("streamhaus", task);
    expect(await isBooked(ref, 10_000)).toBe(true);
  });

  test("that is tampered, expired, of another key or unsigned is none; a sound one alone books nothing", async () => {
    verifies("adcp.webhook.signature");
    const { agent } = await served();
    const { ref, task } = await waiting(agent);
    for (const flaw of ["tampered", "expired", "other-key", "unsigned"] as const)
      expect(await desk.sandbox.adcp.notify("streamhaus", task, flaw), flaw).toBe(401);
    expect(await desk.sandbox.adcp.notify("streamhaus", task)).toBe(200);
    expect(await isBooked(ref, 1_500)).toBe(false);
  });

  test.each(["3.0", "3.1"] as const)("is asked for as the schemas of AdCP %s want it", async (version) => {
    const { agent } = await served();
    if (version === "3.0") desk.sandbox.adcp.modes("streamhaus", "strict30");
    await waiting(agent);
    const sent = desk.sandbox.requests("streamhaus").find(({ body }) => body.includes('"create_media_buy"'));
    const args = JSON.parse(sent?.body ?? "{}").params.arguments;
    expect(args.push_notification_config).toHaveProperty("token");
    expect("operation_id" in args.push_notification_config).toBe(version === "3.1");
    // No package carries the schemas of 3.1; the seller itself has refused what it does not know.
    if (whyNoSchemas(version) === null) expect(requestErrors(version, "create_media_buy", args)).toEqual([]);
  });

  test("that nobody asked for is not found, and needs no token to learn that", async () => {
    const { base, agent } = await served();
    await waiting(agent);
    const post = (path: string) => fetch(`${base}${path}`, { method: "POST", headers, body: "{}" });
    const headers = { "content-type": "application/json" };
    const { pathname } = new URL(String(registered()?.["url"]));
    const other = pathname.replace(/[0-9a-f]$/, (digit) => (digit === "0" ? "1" : "0"));
    for (const path of ["/webhooks/adcp/00/1", other, `${pathname}?a=1`]) expect((await post(path)).status).toBe(404);
    expect((await post(pathname)).status).toBe(401);
    expect((await fetch(`${base}/mcp`, { method: "POST", headers, body: "{}" })).status).toBe(401);
  });

  test("is not what a booking depends on", async () => {
    const { server, agent } = await served({}, { booking: { follow_every_s: 1 } });
    const { ref, task } = await waiting(agent);
    await server.stop();
    desk.sandbox.adcp.sign("streamhaus", task);
    await desk.connect({ person: approving });
    expect(await isBooked(ref, 20_000)).toBe(true);
  });
});

test("over stdio no seller is asked for webhooks", async () => {
  verifies("adcp.webhook.config");
  await served();
  const own = await desk.connect({ person: approving });
  await waiting(own);
  expect(desk.sandbox.adcp.tasks("streamhaus").at(-1)?.webhook ?? null).toBeNull();
});
