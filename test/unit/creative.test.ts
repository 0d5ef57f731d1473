import { expect, test } from "vitest";
import { type Creative, whyUnfit } from "../../src/domain/creative.ts";

const spot: Creative = { creativeId: "spot", name: "Spot", format: "video_30s", assets: {} };
const file = { asset_type: "video", url: "https://cdn.acmeoutdoor.example/a.mp4", mime_type: "video/mp4" };
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

test.each([
  ["no type", { url: file.url }, "asset_type"],
  ["a type that is no word", { ...file, asset_type: 4 }, "asset_type"],
  ["no address", { asset_type: "video" }, "url"],
  ["an address that is none", { ...file, url: "javascript:alert(1)" }, "url"],
  ["a MIME type that is none", { ...file, mime_type: "mp4" }, "mime_type"],
  ["a MIME type of something else", { ...file, mime_type: "image/png" }, "mime_type"],
])("an asset with %s does not fit, and its field is named", (_name, asset, field) => {
  const [good, wrong] = [file, asset].map((one): Creative => ({ ...spot, assets: { hero: one } }));
  expect(whyUnfit([good ?? spot], [], taken)).toBeNull();
  const found = whyUnfit([spot, { ...(wrong ?? spot), creativeId: "other" }], [], taken);
  expect(found).toMatchObject({ field: `creatives[1].assets.hero.${field}`, candidates: [] });
});

test("an asset that holds its content needs no address", () => {
  expect(whyUnfit([{ ...spot, assets: { line: { asset_type: "text", content: "Run." } } }], [], taken)).toBeNull();
});
