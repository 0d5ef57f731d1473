import { afterAll, beforeAll, expect, test } from "vitest";
import { approving, clientKinds } from "./client.ts";
import { dealsOf, quoteFrom, startDesk, startSandboxDesk, type TestDesk } from "./fixtures.ts";
let desk: TestDesk;
beforeAll(async () => {
  desk = await startDesk();
});
afterAll(() => desk.close());
test.each(clientKinds)("%s", async (kind) => {
  const c = await desk.connect({ kind, person: approving });
  const q = await quoteFrom(c, { impressions: 1_000_000 + clientKinds.indexOf(kind) * 1000 });
  const r = await c.ok("create_media_buy", { lines: [{ quote_id: q }] });
  console.error(r.text, c.log());
  expect(r.string("status")).toBe("booked");
  expect(dealsOf(desk, q)).toBe(1);
});
test("sandbox desk", async () => {
  const d = startSandboxDesk();
  const c = await d.connect({});
  await c.ok("discover_sellers");
  console.error(await d.run("sandbox", "status"));
  await d.close();
});
