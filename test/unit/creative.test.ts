import { expect, test } from "vitest";
import { type Creative, whyUnfit } from "../../src/domain/creative.ts";

const spot: Creative = { creativeId: "spot", name: "Spot", format: "video_30s", assets: {} };
const taken = [
  { format: "video_30s", products: ["ctv"] },
  { format: "display_300x250", products: ["banners", "ctv"] },
];
const assigned = { creativeId: "spot", packageId: "p1", productId: "ctv" };

test("creatives of a format that is taken fit, assigned or not", () => {
  expect(whyUnfit([spot], [], taken)).toBeNull();
  expect(whyUnfit([spot], [assigned], taken)).toBeNull();
});

test.each([
  [
    "an unknown format",
    [{ ...spot, format: "video_15s" }],
    [],
    "creatives[0].format",
    ["video_30s", "display_300x250"],
  ],
  ["an id given twice", [spot, spot], [], "creatives[1].creative_id", []],
  [
    "another product's format",
    [spot],
    [{ ...assigned, productId: "banners" }],
    "assignments[0].creative_id",
    ["display_300x250"],
  ],
  ["what is not among them", [spot], [{ ...assigned, creativeId: "other" }], "assignments[0].creative_id", []],
])("%s does not fit, and what would is named", (_name, creatives, assignments, field, candidates) => {
  expect(whyUnfit(creatives, assignments, taken)).toMatchObject({ field, candidates });
});
