import { describe, expect, test } from "vitest";
import { RateLimits } from "../../src/http/rate.ts";
import { Sessions, sessionLimits } from "../../src/http/sessions.ts";
import { holderOf, newToken, tokenDigest } from "../../src/http/tokens.ts";

describe("tokens", () => {
  test("are long, unlike each other, and known by their digest alone", () => {
    const made = Array.from({ length: 50 }, newToken);
    expect(new Set(made).size).toBe(50);
    for (const token of made) expect(token).toMatch(/^mbt_[\w-]{43}$/);
    const holders = made.map((token, n) => ({ name: `p${n}`, tokenSha256: tokenDigest(token) }));
    expect(holderOf(holders, `Bearer ${made[17]}`)?.name).toBe("p17");
    expect(holderOf(holders, `bearer  ${made[17]}`)?.name).toBe("p17");
  });

  test.each([
    undefined,
    "",
    "Bearer",
    "Bearer ",
    "mbt_x",
    "Basic mbt_x",
    "Bearer mbt_y",
    "Bearer mbt_x ",
    "Bearer mbt_x mbt_x",
    "Bearer mbt_x, Bearer mbt_x",
    `Bearer ${tokenDigest("mbt_x")}`,
    `Bearer ${"a".repeat(600)}`,
  ])("%j is nobody's", (authorization) => {
    expect(holderOf([{ tokenSha256: tokenDigest("mbt_x") }], authorization)).toBeNull();
  });
});

describe("rate limits", () => {
  test("let a minute's worth through at once, then evenly, each name for itself", () => {
    let now = 0;
    const limits = new RateLimits(() => now);
    expect([1, 2, 3, 4].map(() => limits.take("a", 3))).toEqual([0, 0, 0, 20]);
    expect(limits.take("b", 3)).toBe(0);
    now = 19_000;
    expect(limits.take("a", 3)).toBe(1);
    now = 20_000;
    expect([limits.take("a", 3), limits.take("a", 3)]).toEqual([0, 20]);
    // However long nobody called, no more than a minute's worth is saved up.
    now = 86_400_000;
    expect([1, 2, 3, 4].map(() => limits.take("a", 3))).toEqual([0, 0, 0, 20]);
  });
});

const { idleMs: IDLE_MS } = sessionLimits;

describe("sessions", () => {
  const closed: string[] = [];
  const none = () => undefined;
  const session = (id: string) => ({
    close: () => {
      closed.push(id);
      return Promise.resolve();
    },
  });

  test("each principal has its share, and what rests makes room", async () => {
    let now = 0;
    const sessions = new Sessions(2, () => now, { ...sessionLimits, most: 4 });
    for (const id of ["a1", "a2"]) {
      const giveBack = await sessions.reserve("a");
      if (!giveBack) throw new Error("there is no room");
      sessions.begin(id, "a", session(id), giveBack);
    }
    expect(await sessions.reserve("a")).toBeNull();
    expect(await sessions.reserve("b")).not.toBeNull();
    now = IDLE_MS / 2;
    await sessions.during("a2", () => Promise.resolve());
    now = IDLE_MS + 1;
    expect(await sessions.reserve("a")).not.toBeNull();
    expect(closed).toEqual(["a1"]);
    expect(sessions.find("a1", "a")).toBeNull();
    expect(sessions.find("a2", "a")).not.toBeNull();
  });

  test("room is taken before one begins, however many begin at once, and given back once", async () => {
    const sessions = new Sessions(2, () => 0, { ...sessionLimits, most: 4 });
    const taken = await Promise.all(Array.from({ length: 5 }, () => sessions.reserve("a")));
    const [first] = taken.filter((one) => one !== null);
    expect(taken.filter((one) => one !== null).length).toBe(2);
    first?.();
    first?.();
    const again = await Promise.all([sessions.reserve("a"), sessions.reserve("a")]);
    expect(again.filter((one) => one !== null).length).toBe(1);
  });

  test("belong to who began them, and do not rest while a request is open", async () => {
    let now = 0;
    const sessions = new Sessions(1, () => now);
    sessions.begin("s", "a", session("s"), none);
    expect(sessions.find("s", "b")).toBeNull();
    let end: () => void = () => undefined;
    const stream = sessions.during("s", () => new Promise<void>((resolve) => (end = resolve)));
    now = 10 * IDLE_MS;
    await sessions.endIdle();
    expect(sessions.size).toBe(1);
    end();
    await stream;
    await sessions.endIdle();
    expect(sessions.size).toBe(1);
    now += IDLE_MS + 1;
    await sessions.endIdle();
    expect(sessions.size).toBe(0);
  });

  test("all end together, also where one cannot", async () => {
    const sessions = new Sessions<{ close(): Promise<void> }>(1, () => 0);
    sessions.begin("bad", "a", { close: () => Promise.reject(new Error("stuck")) }, none);
    sessions.begin("good", "a", session("good"), none);
    await sessions.endAll();
    expect(sessions.size).toBe(0);
    expect(closed).toContain("good");
  });
});
