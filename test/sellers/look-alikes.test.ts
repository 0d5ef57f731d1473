import { describe, expect, test } from "vitest";
import { domainLooksLike, nameLooksLike } from "../../src/sellers/look-alikes.ts";

describe("domains that look like northbeam.example", () => {
  test.each([
    ["northbearn.example", "rn for m"],
    ["n0rthbeam.example", "a digit"],
    ["xn--nrthbem-7fg4j.example", "Cyrillic letters, as on the wire"],
    ["northbeem.example", "another letter"],
    ["northbea.example", "a letter less"],
    ["northbeamm.example", "a letter more"],
    ["nortbheam.example", "two letters changed"],
    ["northbeam.net", "another ending"],
    ["northbeam.co.uk", "another ending of two parts"],
    ["northbeam-media.example", "with a word behind it"],
    ["get-northbeam.example", "with a word before it"],
    ["northbeam.example.com", "with the whole of it below another"],
    ["northbeam.evil.example", "as a name below another"],
  ])("%s: %s", (domain) => {
    expect(domainLooksLike(domain, "northbeam.example")).toBe(true);
  });

  test.each([
    ["northbeam.example", "itself"],
    ["agent.northbeam.example", "what is below it"],
    ["ads.northbeam.example", "another host of its owner"],
    ["harborview.example", "another name"],
    ["northern.example", "the same beginning"],
    ["127.0.0.1", "an address"],
    ["beam.example", "a part of it"],
  ])("%s does not: %s", (domain) => {
    expect(domainLooksLike(domain, "northbeam.example")).toBe(false);
  });

  test("short names are near each other by chance", () => {
    expect(domainLooksLike("nbc.example", "abc.example")).toBe(false);
    expect(domainLooksLike("abc.net", "abc.example")).toBe(false);
  });
});

test.each([
  ["Nоrthbeаm Media", true],
  ["NORTHBEAM  MEDIA", true],
  ["Northbeam\u200b Media.", true],
  ["Ｎorthbeam Media", true],
  ["Northbeam", false],
  ["Harborview", false],
])("the name %j for Northbeam Media: %j", (name, looks) => {
  expect(nameLooksLike(name, "Northbeam Media")).toBe(looks);
});
