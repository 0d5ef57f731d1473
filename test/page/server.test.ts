import { createServer, get, type Server } from "node:http";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { listenLocally } from "../../src/page/listen.ts";
import { rememberedPorts } from "../../src/page/ports-file.ts";
import { tempFolder } from "../ledger/temp.ts";
import { type Bench, openBench, pin } from "./bench.ts";
import { lineOf } from "./lines.ts";
import { decideAs, Visitor } from "./visitor.ts";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const bench = async (beside?: Bench, port?: number): Promise<Bench> => {
  const opened = await openBench({ ...(beside ? { beside } : {}), ...(port === undefined ? {} : { port }) });
  ends.push(() => opened.close());
  return opened;
};
const occupy = (host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const server: Server = createServer().on("error", reject);
    ends.push(() => server.close());
    server.listen(port, host, () => {
      const bound = server.address();
      resolve(bound !== null && typeof bound === "object" ? bound.port : 0);
    });
  });

/** Waits for a name as long as it takes to be looked up: `fetch` gives up after ten seconds, which a busy machine may need. */
const statusAt = (url: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });

describe("where the page listens", () => {
  test("on both addresses that localhost can mean, and on no other", async () => {
    const { origin } = await bench();
    const { port } = new URL(origin);
    for (const address of ["127.0.0.1", "[::1]", "localhost"]) {
      // Only by the name is the page ours.
      expect(await statusAt(`http://${address}:${port}/`)).toBe(address === "localhost" ? 200 : 403);
    }
    await expect(occupy("127.0.0.2", Number(port))).resolves.toBe(Number(port));
  });

  test("nothing listens before it is asked for, nor after it is closed", async () => {
    const first = await bench();
    const { origin, page } = first;
    await page.close();
    await expect(fetch(origin)).rejects.toThrow();
    await expect(page.origin()).rejects.toThrow("closed");
  });

  test("keeps its port over restarts, and shows the same approval there", async () => {
    const first = await bench();
    const id = await first.ask([lineOf()]);
    const url = await first.page.urlOf(id);
    await first.page.close();
    const second = await bench(first);
    expect(await second.page.urlOf(id)).toBe(url);
    expect((await decideAs(second.origin, id, { decision: "reject", pin })).status).toBe(303);
  });

  test("two servers of a desk have a port each, both kept, and either takes decisions", async () => {
    const first = await bench();
    const second = await bench(first);
    expect(second.origin).not.toBe(first.origin);
    const id = await first.ask([lineOf()]);
    // A form opened at one is answered at the other: the browser's cookie knows no port, the desk's key is one.
    const visitor = new Visitor(first.origin);
    const token = await visitor.token(`/a/${id}`);
    const other = Object.assign(new Visitor(second.origin), {});
    await other.open("/");
    expect((await visitor.form(`/a/${id}`, { token, person: "dana", decision: "reject", pin })).status).toBe(303);
    expect((await other.open(`/a/${id}`)).text).toContain("Rejected");
    expect(JSON.parse(readFileSync(join(first.folder, "page-ports.json"), "utf8"))).toHaveLength(2);
  });

  test("takes the operator's port, or another when one of its addresses is taken", async () => {
    const free = await occupy("127.0.0.1", 0);
    await ends.pop()?.();
    const wanted = await bench(undefined, free);
    expect(wanted.origin).toBe(`http://localhost:${free}`);
    for (const host of ["127.0.0.1", "::1"]) {
      const taken = await occupy(host, 0);
      const listening = await listenLocally([taken], () => undefined);
      ends.push(() => listening.close());
      expect(listening.port).not.toBe(taken);
    }
  });
});

describe("the file of ports", () => {
  test("keeps the last few, for this user only, and forgives what is no list of ports", async () => {
    const folder = tempFolder();
    ends.push(() => folder.remove());
    const file = join(folder.path, "desk", "page-ports.json");
    const ports = rememberedPorts(file);
    expect(await ports.all()).toEqual([]);
    for (let port = 7001; port <= 7010; port += 1) await ports.add(port);
    await ports.add(7005);
    expect(await ports.all()).toEqual([7003, 7004, 7005, 7006, 7007, 7008, 7009, 7010]);
    expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
    writeFileSync(file, '[80, 7001, "7002", 1e9, null]');
    expect(await ports.all()).toEqual([7001]);
    writeFileSync(file, "no list");
    expect(await ports.all()).toEqual([]);
  });
});
