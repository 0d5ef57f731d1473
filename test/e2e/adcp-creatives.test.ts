import { expect, test } from "vitest";
import { book, flightDesk, sentTo } from "./adcp-flight.ts";
import { requestsAreValid } from "./adcp-sellers.ts";
import { verifies } from "../requirements.ts";
import { at } from "./client.ts";
import { startDesk } from "./fixtures.ts";

const video = {
  asset_type: "video",
  mime_type: "video/mp4",
  url: "https://cdn.acmeoutdoor.example/a.mp4",
  width: 1920,
  height: 1080,
  duration_ms: 30_000,
};
const spot = { creative_id: "spot", name: "Autumn spot", format: "video_30s", assets: { video_file: video } };

const on = flightDesk();

/** How often the seller was sent creatives. */
const sent = () => sentTo(on.desk).filter(({ task }) => task === "sync_creatives").length;

test("creatives go out with their outcome each, some failing; the history tells it, and asking again is safe", async () => {
  verifies(
    "tool.sync_creatives",
    "adcp.creatives.sync",
    "adcp.creatives.action",
    "adcp.creatives.status",
    "adcp.creatives.errors",
  );
  const id = await book(on.client, { product: "streamhaus/outdoor_ctv_q2_guaranteed", budget: "60000.00 USD" });
  on.desk.sandbox.adcp.sign("streamhaus");
  const booked = await on.client.ok("get_media_buys", { ids: [id], refresh: true });
  const packageId = booked.string("media_buys", 0, "packages", 0, "package_id");
  expect(on.desk.sandbox.adcp.buys("streamhaus")[0]?.status).toBe("pending_creatives");
  const args = {
    media_buy_id: id,
    creatives: [spot, { ...spot, creative_id: "empty", assets: {} }],
    assignments: [
      { creative_id: "spot", package: packageId },
      { creative_id: "empty", package: "streamhaus/outdoor_ctv_q2_guaranteed" },
    ],
  };
  const first = await on.client.ok("sync_creatives", args);
  expect(first.at("creatives")).toMatchObject([
    { creative_id: "spot", action: "created", status: "approved", assigned_to: [packageId] },
    {
      ...{ creative_id: "empty", action: "failed", assigned_to: [] },
      seller_said: [expect.stringContaining("CREATIVE_REJECTED")],
      not_assigned: [{ package_id: packageId, seller_said: expect.any(String) }],
    },
  ]);
  expect(first.text).toContain("1 of 2 creatives were taken");
  expect(first.text).toMatch(/the seller said \(its words\)/);
  expect(on.desk.sandbox.adcp.buys("streamhaus")[0]?.status).toBe("pending_start");

  // The same again is the same request: the seller gives the answer it gave.
  const again = await on.client.ok("sync_creatives", args);
  expect(again.at("creatives", 0, "action")).toBe("created");
  const changed = await on.client.ok("sync_creatives", {
    ...args,
    creatives: [{ ...spot, name: "Winter spot" }],
    assignments: [],
  });
  expect(changed.at("creatives", 0, "action")).toBe("updated");

  const story = await on.client.ok("get_history", { media_buy_id: id, kind: "creatives_synced" });
  expect(story.text).toContain("spot created (approved), empty failed");
});

test("what does not fit a format is not sent", async () => {
  verifies("creative.assets");
  const before = sent();
  const wrong = await on.client.call("sync_creatives", {
    seller: "streamhaus",
    creatives: [{ ...spot, format: "display_300x250" }],
  });
  expect(wrong.text).toMatch(
    /^invalid_arguments: spot is of format display_300x250, which is not taken there; taken are/,
  );
  expect(wrong.text).toContain("Nothing was sent.");
  const homeless = await on.client.call("sync_creatives", {
    ...{ seller: "streamhaus", creatives: [spot] },
    assignments: [{ creative_id: "spot", package: "p1" }],
  });
  expect(homeless.text).toContain("Assignments need the media_buy_id");
  expect(sent()).toBe(before);
  const fits = await on.client.ok("sync_creatives", {
    seller: "openbid",
    creatives: [{ ...spot, format: "video_15s" }],
  });
  expect(fits.at("creatives", 0, "action")).toBe("created");
});

test("an asset goes out under its id, with its type, its address and its MIME type; one that lacks them is not sent", async () => {
  verifies("adcp.creatives.asset");
  const handed = { seller: "streamhaus", creatives: [{ ...spot, creative_id: "whole" }] };
  await on.client.ok("sync_creatives", handed);
  const [wire] = sentTo(on.desk)
    .filter(({ task }) => task === "sync_creatives")
    .slice(-1);
  expect(at(wire?.args, "creatives", 0, "assets")).toEqual({ video_file: video });
  const before = sent();
  const wrongs = {
    "no address": { asset_type: "video", mime_type: "video/mp4" },
    "an address that is none": { ...video, url: "a.mp4" },
    "another MIME type": { ...video, mime_type: "image/png" },
  };
  for (const [what, asset] of Object.entries(wrongs)) {
    const creatives = [{ ...spot, assets: { video_file: asset } }];
    const reply = await on.client.call("sync_creatives", { seller: "streamhaus", creatives });
    expect(reply.text, what).toMatch(/^invalid_arguments: spot: .*asset video_file.*Nothing was sent\./);
  }
  expect(sent()).toBe(before);
});

test("an IAB seller takes none, and says so", async () => {
  const other = await startDesk({ sandbox: { sellers: ["northbeam"] } });
  try {
    const reply = await (await other.connect()).call("sync_creatives", { seller: "northbeam", creatives: [spot] });
    expect(reply.text).toMatch(/^unsupported_by_seller: northbeam takes no creatives/);
  } finally {
    await other.close();
  }
});

requestsAreValid(() => sentTo(on.desk), { "3.0": 0, "3.1": 10 }, "sync_creatives");
