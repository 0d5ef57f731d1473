import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { at, type Connection } from "../e2e/client.ts";
import { type RegistryDesk, registryDesk } from "../e2e/registries.ts";
import { verifies } from "../requirements.ts";

/** A registry is a stranger too: what it writes is data, where it points is judged, and it costs no more than itself. */
let stage: RegistryDesk;
let model: Connection;
beforeAll(async () => {
  stage = await registryDesk(
    [
      { id: "good", kind: "aamp", entry: { timeout_s: 5 } },
      { id: "bad", kind: "aamp-legacy", entry: { timeout_s: 5 } },
    ],
    (standard) => ({
      ...standard,
      mandate: { ...Object(standard["mandate"]), sellers: { blocked_domains: ["unwanted.invalid"] } },
    }),
  );
  model = await stage.desk.connect();
});
beforeEach(() => {
  for (const id of ["good", "bad"]) stage.registry(id).clearFaults();
  stage.registry("good").list(stage.agent("northbeam", "verified"));
  stage.registry("bad").list();
});
afterAll(() => stage.close());

const discover = () => model.ok("discover_sellers", { refresh: true, deadline_s: 4 });

describe("what a registry writes", () => {
  test("is one clean line, and no instruction, markup or terminal sequence of it survives", async () => {
    verifies("promise.sellers_words");
    const name = "\u202eFine\u202c Media\u001b[31m\n| x | y |\n<script>`rm` [a](https://evil.example)\u200b";
    stage.registry("bad").list(
      stage.agent("harborview", "verified", {
        name,
        id: "id\u0007\n| 1 |",
        capabilities: ["audio\u202e", "a".repeat(400)],
      }),
    );
    const found = await discover();
    const listed = found.list("sellers").find((one) => String(at(one, "name")).includes("Fine"));
    expect(at(listed, "name")).toBe("Fine Media ¦ x ¦ y ¦ ‹script›'rm' (a)(https://evil.example)");
    expect(at(listed, "registry_id")).toBe("id ¦ 1 ¦");
    expect(found.text.replaceAll("\n", "")).not.toMatch(/\p{C}|\p{Default_Ignorable_Code_Point}/u);
  });

  test("names no trust that it does not define, and no id of the desk's own", async () => {
    for (const trust of ["admin", "PREFERRED!", "", "verified\u0000"]) {
      stage
        .registry("bad")
        .malformed([
          { agent_id: "northbeam", name: "Northbeam", url: stage.sellers.seller("harborview").url, trust_level: trust },
        ]);
      const found = await discover();
      const one = found.list("kept_out").find((out) => String(at(out, "seller_id")).startsWith("127.0.0.1-"));
      expect(one, found.text).toMatchObject({ trust: "unknown", status: "filtered" });
    }
    stage.registry("bad").malformed([]);
  });
});

describe("where a registry points", () => {
  test.each([
    "https://169.254.169.254/latest",
    "https://10.0.0.1",
    "https://[fd00::1]",
    "http://seller.invalid",
    "https://user:secret@seller.invalid",
    "javascript:alert(1)",
    "file:///etc/passwd",
  ])("%s is not called", async (address) => {
    stage.registry("bad").list({ url: "https://placeholder.invalid", name: "x", id: "x", trust: "verified" });
    stage.registry("bad").malformed([{ agent_id: "x", name: "Inside", url: address, trust_level: "verified" }]);
    const found = await discover();
    expect(found.list("sellers").map((one) => at(one, "name"))).toEqual(["Northbeam Media"]);
    const out = found.list("kept_out").filter((one) => !String(at(one, "seller_id")).startsWith("placeholder"));
    for (const one of out) {
      expect(at(one, "status")).toBe("unreachable");
      expect(at(one, "why")).toMatch(/was not called: its address/);
    }
    stage.registry("bad").malformed([]);
  });

  test("a domain that the mandate keeps out is blocked, under whatever host of it", async () => {
    stage.registry("bad").list({ url: "https://ads.unwanted.invalid/mcp", name: "x", id: "x", trust: "preferred" });
    expect((await discover()).list("kept_out")).toMatchObject([
      { status: "blocked", why: "blocked (mandate); not contacted" },
    ]);
  });
});

describe("what a registry costs", () => {
  test.each([
    ["more than may be read", { kind: "oversized" }, "invalid_answer"],
    ["a redirect", { kind: "redirect" }, "invalid_answer"],
    ["an error", { kind: "error-text" }, "unreachable"],
    ["half an answer", { kind: "malformed", how: "truncated" }, "invalid_answer"],
    ["a broken connection", { kind: "drop-answer", operation: "registry" }, "unreachable"],
  ] as const)("%s: itself alone, and by name", async (_what, fault, status) => {
    stage.registry("bad").fault(fault);
    const found = await discover();
    expect(found.list("sources").at(-1)).toMatchObject({ name: "bad", status });
    expect(found.list("sellers").map((one) => at(one, "name"))).toEqual(["Northbeam Media"]);
  });

  test("an address that makes a registry stumble takes its word from no other agent", async () => {
    const registry = stage.registry("bad");
    registry.listsTrust = false;
    registry.chokesOn = "stumble";
    registry.list(
      { url: "https://stumble.invalid", name: "Stumble", id: "s", trust: "verified" },
      stage.agent("civicstream", "verified"),
    );
    const found = await discover();
    registry.chokesOn = null;
    registry.listsTrust = true;
    const good = found.list("sellers").find((one) => at(one, "registry_id") === "ag-civicstream");
    expect(good, found.text).toMatchObject({ trust: "verified", registries: [{ registry: "bad", stale: false }] });
    const stumbling = found.list("kept_out").find((one) => String(at(one, "seller_id")).startsWith("stumble"));
    expect(stumbling).toMatchObject({ status: "filtered", trust: "unknown" });
  });

  test("a thousand agents nobody answers for: the answer comes in time, and the good ones are in it", async () => {
    const many = Array.from({ length: 1_500 }, (_, n) => ({
      ...{ url: `https://a${n}.invalid/mcp`, name: `Agent ${n}`, id: `${n}`, trust: "unknown" as const },
    }));
    stage.registry("good").list(stage.agent("northbeam", "verified"), ...many);
    const began = performance.now();
    const found = await model.ok("discover_sellers", { refresh: true, deadline_s: 2 });
    expect(performance.now() - began).toBeLessThan(4_000);
    expect(found.list("sources")).toMatchObject([
      { name: "config" },
      { listed: 1_000, unreadable: 501 },
      { name: "bad" },
    ]);
    expect(found.list("sellers").map((one) => at(one, "name"))).toContain("Northbeam Media");
    // Who is kept out is told in a length that somebody reads.
    expect(found.list("kept_out")).toHaveLength(60);
    expect(found.at("kept_out_total")).toBe(999);
    expect(found.text).toMatch(/And 939 more, which registries list/);
  });
});
