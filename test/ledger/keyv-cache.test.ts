import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keyvCache } from "../../src/ledger/keyv-cache.ts";
import { connectSqlite } from "../../src/ledger/sqlite.ts";
import { tempFolder } from "./temp.ts";

describe("the cache in a file", () => {
  let folder: ReturnType<typeof tempFolder>;
  let file: string;
  let logged: { readonly message: string; readonly details: object | undefined }[];
  const open: ReturnType<typeof keyvCache>[] = [];

  beforeEach(() => {
    folder = tempFolder();
    file = join(folder.path, "data", "cache.db");
    logged = [];
  });
  afterEach(async () => {
    for (const cache of open.splice(0)) await cache.close();
    folder.remove();
  });

  const cacheOf = (namespace: string, ttlSeconds?: number) => {
    const log = (message: string, details?: object) => void logged.push({ message, details });
    const cache = keyvCache({ file, namespace, log, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) });
    open.push(cache);
    return cache;
  };
  const entries = async () => {
    const connection = await connectSqlite({ file: join(folder.path, "data", "cache.db") });
    const rows = await connection.rows("select key, value from keyv order by key", []);
    await connection.close();
    return rows.map(({ key, value }) => ({ key: String(key), value: JSON.parse(String(value)) }));
  };

  test("gives back what was put in, to this process and the next", async () => {
    const kit = { products: [{ id: "p-1", price: "31.50 USD" }], seen_as: "seat", none: null };
    const cache = cacheOf("media-kits");
    expect(await cache.get("northbeam")).toBeUndefined();
    await cache.set("northbeam", kit);
    expect(await cache.get("northbeam")).toEqual(kit);
    expect(await cacheOf("media-kits").get("northbeam")).toEqual(kit);
    expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
    await cache.delete("northbeam");
    expect(await cache.get("northbeam")).toBeUndefined();
    expect(logged).toEqual([]);
  });

  test("keeps namespaces apart, also where one begins like the other or a key like a namespace", async () => {
    const [kits, more] = [cacheOf("kits"), cacheOf("kits-2")];
    await kits.set("a", 1);
    await kits.set("kits:a", 2);
    await more.set("a", 3);
    expect([await kits.get("a"), await kits.get("kits:a"), await more.get("a")]).toEqual([1, 2, 3]);
    await kits.clear();
    expect([await kits.get("a"), await kits.get("kits:a"), await more.get("a")]).toEqual([undefined, undefined, 3]);
  });

  test.each(["tenant_a", "50%", "a:b", ""])("refuses the namespace %j, which would reach into others", (namespace) => {
    expect(() => cacheOf(namespace)).toThrow(RangeError);
  });

  test("lets values go after 300 seconds, after its own time, or after the value's", async () => {
    const from = Date.now();
    await cacheOf("by-default").set("a", 1);
    await cacheOf("by-cache", 20).set("a", 1);
    await cacheOf("by-value", 20).set("a", 1, 7);
    const seconds = (await entries()).map(({ key, value }) => [key, Math.floor((value.expires - from) / 1000)]);
    const expected = [
      ["by-cache:/a", 20],
      ["by-default:/a", 300],
      ["by-value:/a", 7],
    ];
    for (const [index, [key, length]] of expected.entries()) {
      expect(seconds[index]?.[0]).toBe(key);
      expect(Number(seconds[index]?.[1]) - Number(length)).toBeLessThanOrEqual(15);
      expect(Number(seconds[index]?.[1])).toBeGreaterThanOrEqual(Number(length));
    }
  });

  test("does not give back a value whose time is over, and forgets it", async () => {
    const cache = cacheOf("kits");
    await cache.set("a", 1, 0.02);
    await cache.set("b", 2);
    await expect.poll(() => cache.get("a")).toBeUndefined();
    await cache.set("c", 3, 0.001);
    await cache.set("b", 2, 0);
    expect(await cache.get("b")).toBeUndefined();
    await expect
      .poll(async () => {
        await cacheOf("other").get("x");
        return (await entries()).map(({ key }) => key);
      })
      .toEqual([]);
  });

  test("behaves like an empty one when its file is none, and says so once", async () => {
    file = join(folder.path, "cache.db");
    writeFileSync(file, "not a database at all\n".repeat(200));
    const cache = cacheOf("kits");
    await cache.set("a", 1);
    expect(await cache.get("a")).toBeUndefined();
    await cache.delete("a");
    await cache.clear();
    expect(logged).toMatchObject([
      { message: expect.stringContaining('"kits"'), details: { error: expect.any(Error) } },
    ]);
  });

  test("behaves like an empty one where a stored value cannot be read", async () => {
    const cache = cacheOf("kits");
    await cache.set("a", 1);
    const connection = await connectSqlite({ file });
    await connection.rows("update keyv set value = 'x{' where key = 'kits:/a'", []);
    await connection.close();
    expect(await cache.get("a")).toBeUndefined();
    await cache.set("a", 2);
    expect(await cache.get("a")).toBe(2);
    expect(logged).toHaveLength(1);
  });

  test("refuses what JSON cannot say, for that is a mistake and no cold cache", async () => {
    await expect(cacheOf("kits").set("a", { micros: 1n })).rejects.toBeInstanceOf(TypeError);
  });
});
