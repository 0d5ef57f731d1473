import { createServer, request } from "node:http";
import { verifies } from "../requirements.ts";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { requestErrors, whyNoSchemas } from "../adcp/schemas.ts";
import { listen, open } from "../sellers/loopback.ts";
import { sentTo } from "./adcp-flight.ts";
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

/** Each thing that the samples of the storyboards do and no schema of today takes, done to a request of ours. */
const defects: readonly (readonly [task: string, spoil: (args: Record<string, unknown>) => void, complaint: RegExp])[] =
  [
    ...["sync_accounts", "create_media_buy", "sync_creatives", "update_media_buy"].map(
      (task) =>
        [task, (args: Record<string, unknown>) => void delete args["idempotency_key"], /idempotency_key/] as const,
    ),
    [
      "create_media_buy",
      (args) => {
        Object(args["push_notification_config"]).authentication = { scheme: "HMAC-SHA256" };
      },
      /push_notification_config\/authentication .*schemes/,
    ],
    [
      "sync_creatives",
      (args) => {
        const [creative] = Object(args["creatives"]);
        creative.assets = [{ asset_id: "video_file", ...creative.assets.video_file }];
      },
      /creatives\/0\/assets must be object/,
    ],
    [
      "update_media_buy",
      (args) => {
        const [{ package_id: _, ...rest }] = Object(args["packages"]);
        args["packages"] = [{ product_id: "outdoor_ctv_q2_guaranteed", ...rest }];
      },
      /packages\/0 .*package_id/,
    ],
  ];

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

  test("of a decision on a change brings that at once too, by an address of its own", async () => {
    const { agent } = await served();
    const { ref, task } = await waiting(agent);
    const { url: first } = registered() ?? {};
    desk.sandbox.adcp.sign("streamhaus", task);
    expect(await isBooked(ref, 10_000)).toBe(true);
    const less = { package: "streamhaus/outdoor_ctv_q2_guaranteed", budget: "45000.00 USD" };
    const asked = await agent.ok("update_media_buy", { media_buy_id: ref, action: "change", packages: [less] });
    expect(asked.at("status"), asked.text).toBe("awaiting_seller");
    expect(registered()).toMatchObject({ url: expect.stringContaining("/webhooks/adcp/") });
    expect(registered()?.["url"]).not.toBe(first);
    desk.sandbox.adcp.sign("streamhaus");
    expect(await isBooked(asked.string("media_buys", 0, "media_buy_id"), 10_000)).toBe(true);
    expect(desk.sandbox.adcp.buys("streamhaus")[0]?.packages[0]?.budget).toBe(45_000);
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

  test("and all else that is sent has the form that is valid today, where the storyboards' samples have not", async () => {
    verifies("adcp.sample_defects");
    const { agent } = await served({ hmac_secret: "0123456789abcdef0123456789abcdef" });
    // 3.0 to the letter: its schemas are always here, and the seller refuses what it does not know.
    desk.sandbox.adcp.modes("streamhaus", "strict30");
    const { ref, task } = await waiting(agent);
    desk.sandbox.adcp.sign("streamhaus", task);
    expect(await isBooked(ref, 10_000)).toBe(true);
    const file = { asset_type: "video", url: "https://cdn.agency.example/spot.mp4", width: 1920, height: 1080 };
    const spot = { creative_id: "spot", name: "Spot", format: "video_30s", assets: { video_file: file } };
    await agent.ok("sync_creatives", { media_buy_id: ref, creatives: [spot] });
    const less = { package: "streamhaus/outdoor_ctv_q2_guaranteed", budget: "45000.00 USD" };
    const changed = await agent.ok("update_media_buy", { media_buy_id: ref, action: "change", packages: [less] });
    expect(changed.at("status"), changed.text).toBe("awaiting_seller");
    const sent = new Map(sentTo(desk).map(({ task: name, args }) => [name, args]));
    for (const [name, spoil, complaint] of defects) {
      const args = structuredClone(sent.get(name)) ?? expect.fail(`${name} was not sent`);
      expect(requestErrors("3.0", name, args), name).toEqual([]);
      spoil(args);
      expect(requestErrors("3.0", name, args).join("\n"), name).toMatch(complaint);
    }
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
