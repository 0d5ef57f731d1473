import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Connection } from "./client.ts";
import { at } from "./client.ts";
import { type ConfigFile, startDesk, type TestDesk } from "./fixtures.ts";
import { json, listen } from "../sellers/loopback.ts";
import { createServer } from "node:http";

/** What public files say of a seller, beside what it says itself: read over HTTP, shown, and raising no trust. */
describe("evidence", () => {
  let desk: TestDesk;
  let client: Connection;
  let files: Record<string, unknown> = {};
  let base = "";
  const close: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    const server = createServer((request, response) => {
      const file = files[request.url ?? ""];
      if (file === undefined) return response.writeHead(404).end();
      if (typeof file !== "string") return json(file)(request, response);
      return response.writeHead(200, { "content-type": "text/plain" }).end(file);
    });
    base = await listen(server);
    close.push(async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    });
    desk = await startDesk({
      sandbox: { sellers: ["northbeam"] },
      config: (standard) => ({
        ...standard,
        cache: { ttl_s: 0 },
        sellers: (standard["sellers"] as readonly ConfigFile[]).map((one) => ({
          ...one,
          publishers: { "northbeam.example": base },
        })),
      }),
    });
    client = await desk.connect();
  });
  beforeEach(() => {
    files = {};
  });
  afterAll(async () => {
    await desk.close();
    for (const end of close) await end();
  });

  async function evidence(): Promise<Record<string, unknown>> {
    if (client.sdk.line !== "2.x") throw new Error("another client");
    const read = await client.sdk.client.readResource({ uri: "buyer://seller/northbeam" });
    const [content] = read.contents;
    const told: unknown = JSON.parse(content && "text" in content ? content.text : "null");
    const list = at(told, "evidence");
    if (!Array.isArray(list)) throw new Error(JSON.stringify(told));
    return Object.fromEntries(
      list.map((one) => [String(at(one, "of")), { holds: at(one, "holds"), says: at(one, "says") }]),
    );
  }

  const property = {
    ...{ property_id: "main", property_type: "website", name: "Northbeam", publisher_domain: "northbeam.example" },
    identifiers: [{ type: "domain", value: "northbeam.example" }],
  };
  const listing = (url: string) => ({
    contact: { name: "Northbeam" },
    properties: [property],
    authorized_agents: [{ url, authorized_for: "all", authorization_type: "property_ids", property_ids: ["main"] }],
  });

  test("that bears it out: its publisher lists the agent, the chain's system and ads.txt its seller id", async () => {
    files = {
      "/.well-known/adagents.json": listing(desk.sandbox.seller("northbeam").url),
      "/sellers.json": {
        sellers: [null, { seller_id: "org-northbeam", domain: "northbeam.example", seller_type: "PUBLISHER" }],
      },
      "/ads.txt": "# who may sell\nother.example, 7, RESELLER\nnorthbeam.example, org-northbeam, DIRECT, f08c47 # us\n",
    };
    expect(await evidence()).toEqual({
      "adagents.json": { holds: true, says: "The adagents.json of northbeam.example lists this agent." },
      "sellers.json": {
        holds: true,
        says: "The sellers.json of northbeam.example lists the seller id of this supply chain.",
      },
      "ads.txt": {
        holds: true,
        says: "The ads.txt of northbeam.example lets the seller id of this supply chain sell (DIRECT).",
      },
    });
  });

  test("that does not: another agent, another domain, another id", async () => {
    files = {
      "/.well-known/adagents.json": listing("https://other.example/mcp"),
      "/sellers.json": { sellers: [{ seller_id: "org-northbeam", domain: "elsewhere.example" }] },
      "/ads.txt": "northbeam.example, org-northbeam2, DIRECT\n",
    };
    expect(await evidence()).toMatchObject({
      "adagents.json": { holds: false, says: expect.stringMatching(/does not list this agent/) },
      "sellers.json": { holds: false, says: expect.stringMatching(/for another domain/) },
      "ads.txt": { holds: false, says: expect.stringMatching(/does not name/) },
    });
  });

  test("that is not there proves nothing, and neither do files of another form", async () => {
    const none = { holds: null };
    expect(await evidence()).toMatchObject({ "adagents.json": none, "sellers.json": none, "ads.txt": none });
    files = { "/.well-known/adagents.json": "agents", "/sellers.json": { sellers: 7 }, "/ads.txt": "" };
    expect(await evidence()).toMatchObject({
      "adagents.json": none,
      "sellers.json": none,
      "ads.txt": { holds: false },
    });
  });
});
