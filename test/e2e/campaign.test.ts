import { afterAll, beforeAll, expect, test } from "vitest";
import { verifies } from "../requirements.ts";
import { brief, linesIn, micros, until } from "./campaign-fixtures.ts";
import { approving, type Connection } from "./client.ts";
import { dealsOf, startDesk, type TestDesk } from "./fixtures.ts";

let desk: TestDesk;
let client: Connection;
beforeAll(async () => {
  desk = await startDesk();
  client = await desk.connect({ person: approving });
});
afterAll(() => desk.close());

test("a brief becomes booked deals of several channels after one decision", async () => {
  verifies("flow.campaign", "campaign.status.awaiting_approval", "campaign.status.completed");
  const asked = await client.ok("plan_campaign", brief());
  expect(asked.string("status")).toBe("awaiting_approval");
  expect(client.questions).toHaveLength(0);
  const ids = linesIn(asked);
  expect(ids.length).toBeGreaterThan(1);
  for (const id of ids) expect(dealsOf(desk, id)).toBe(0);
  const booked = await client.ok("approve", { approval_id: asked.string("approval", "approval_id") });
  expect(booked.string("status")).toBe("booked");
  expect(client.questions).toHaveLength(1);
  const done = await until(client, asked.string("campaign_id"), "completed");
  for (const id of linesIn(done)) expect(dealsOf(desk, id)).toBe(1);
  expect(micros(done.string("planned"))).toBeLessThanOrEqual(120_000_000_000n);
}, 60_000);
