import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openScene, type Scene } from "../planner/scene.ts";
import { type Asked, goodSpecialist, manager, type Said, sharing, specialist } from "../planner/stub.ts";
import { verifies } from "../requirements.ts";
import { brief, linesIn, micros, until } from "./campaign-fixtures.ts";
import { approving, type Connection } from "./client.ts";
import { dealsOf, startDesk } from "./fixtures.ts";

let scene: Scene;
let client: Connection;
beforeAll(async () => {
  scene = await openScene();
  client = await scene.desk.connect({ person: approving });
});
beforeEach(() => scene.stub.reset(plays));
afterAll(() => scene.close());

const plays = (asked: Asked): Said =>
  asked.model === manager ? sharing({ ctv: 70, audio: 30 }) : goodSpecialist(asked);

test("a campaign that a model plans is of the same shape, waits for the same decision, and is booked", async () => {
  verifies("tool.plan_campaign");
  const asked = await client.ok("plan_campaign", brief({ name: "By a model" }));
  expect(asked.string("status"), asked.text).toBe("awaiting_approval");
  expect(asked.string("planned_by")).toBe(specialist);
  expect(asked.text).toContain(`Planned by ${specialist}`);
  expect(asked.text).not.toContain("without a model");
  expect(scene.stub.refused).toEqual([]);
  expect(new Set(scene.stub.asked.map(({ channel }) => channel))).toEqual(new Set([null, "ctv", "audio"]));
  const ids = linesIn(asked);
  expect(ids).toHaveLength(2);
  expect(client.questions).toHaveLength(0);
  for (const id of ids) expect(dealsOf(scene.desk, id)).toBe(0);
  await client.ok("approve", { approval_id: asked.string("approval", "approval_id") });
  const done = await until(client, asked.string("campaign_id"), "completed");
  for (const id of linesIn(done)) expect(dealsOf(scene.desk, id)).toBe(1);
  expect(micros(done.string("planned"))).toBeLessThanOrEqual(120_000_000_000n);
  const without = await startDesk();
  try {
    const other = await without.connect();
    const theirs = await other.ok("plan_campaign", brief({ name: "By the table" }));
    expect(theirs.string("planned_by")).toBe("deterministic");
    const shape = (of: unknown) => Object.keys(Object(of)).sort();
    expect(shape(asked.structured)).toEqual(shape(theirs.structured));
    expect(shape(asked.at("lines", 0))).toEqual(shape(theirs.at("lines", 0)));
  } finally {
    await without.close();
  }
}, 60_000);

test("a channel whose specialist declines loses nothing of the others, and the answer says so", async () => {
  scene.stub.reset((asked) => (asked.channel === "audio" ? { stop: "refusal" } : plays(asked)));
  const asked = await client.ok("plan_campaign", brief({ name: "One declines" }));
  const there = await until(client, asked.string("campaign_id"), "awaiting_approval");
  expect(linesIn(there).length).toBeGreaterThan(0);
  expect(there.text).toContain("The planning model declined to work on this.");
});

test("a provider that is away fails the campaign in clear words, and nothing is booked", async () => {
  scene.stub.reset(() => ({ status: 404 }));
  const asked = await client.ok("plan_campaign", brief({ name: "Nobody there" }));
  const there = await until(client, asked.string("campaign_id"), "failed", "awaiting_approval");
  expect(there.string("status")).toBe("failed");
  expect(there.text).toContain(`does not know ${specialist}`);
});

test("cancelling a campaign ends what its specialists are at", async () => {
  scene.stub.reset((asked) => (asked.model === manager || asked.turn === 0 ? plays(asked) : "hang"));
  const asked = await client.ok("plan_campaign", brief({ name: "Called off", wait_s: 2 }));
  const id = asked.string("campaign_id");
  expect(asked.string("status")).toBe("researching");
  await client.ok("plan_campaign", { campaign_id: id, action: "cancel" });
  await until(client, id, "cancelled");
  await expect.poll(() => scene.stub.open).toBe(0);
  const before = scene.stub.asked.length;
  await client.ok("plan_campaign", { campaign_id: id, action: "status", wait_s: 1 });
  expect(scene.stub.asked.length).toBe(before);
});
