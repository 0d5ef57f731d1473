import { Agent, request } from "undici";
import { describe, expect, test } from "vitest";
import { isBlocked, originProblem } from "../../src/sellers/addresses.ts";
import { guardedConnector } from "../../src/sellers/sockets.ts";
import { failureOf } from "../contract/seller-bench.ts";
import { anonymous, asAgency, json, open, read, serve, tcp, to, untilSettled, write } from "./loopback.ts";

describe("where a seller may live", () => {
  const local =
    "127.0.0.1 127.1 2130706433 0x7f.1 017700000001 localhost [::1] [::ffff:127.0.0.1] [::ffff:7f00:1]".split(" ");
  const inside =
    "0 0.0.0.0 10.0.0.8 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 [::] [fe80::1] [fd00::1] [::ffff:10.0.0.1] [64:ff9b::a00:1] [2002:a00:1::]";

  test.each([...local, ...inside.split(" ")])("%s is not called, over http or https", async (host) => {
    const { origin, got } = await serve(json({}));
    const { port } = new URL(origin);
    for (const scheme of ["http", "https"]) {
      const http = to(`${scheme}://${host}:${port}`, {
        allowLoopback: false,
        credentials: { agency: { apiKey: "key" } },
      });
      const error = await failureOf(http.send(write, asAgency));
      expect(error).toMatchObject({ kind: "unreachable", code: "address_not_allowed", definite: true });
    }
    expect(got).toHaveLength(0);
  });

  test("only an allowed origin may be on this machine, and nothing else of our network with it", async () => {
    const { origin } = await serve(json({}));
    expect((await to(origin).send(read, anonymous)).status).toBe(200);
    expect((await to(origin.replace("127.0.0.1", "localhost")).send(read, anonymous)).status).toBe(200);
    for (const host of inside.split(" ")) expect(originProblem(`http://${host}`, true)).not.toBeNull();
  });

  test("https everywhere else, and an origin is no more than that", () => {
    expect(originProblem("http://seller.example", true)).toBe("does not use https");
    expect(originProblem("https://seller.example", false)).toBeNull();
    expect(originProblem("https://seller.example/", false)).toBeNull();
    for (const origin of [
      "https://u:p@seller.example",
      "https://seller.example/api",
      "ftp://seller.example",
      "seller",
    ]) {
      expect(originProblem(origin, true)).not.toBeNull();
    }
  });

  test.each(local)("%s does not pass the connector either, which is what a name or a rebinding meets", async (host) => {
    const { origin, connections } = await tcp(() => undefined);
    const dispatcher = new Agent({ connect: guardedConnector(false, 1_000) });
    open.push(() => dispatcher.close());
    await expect(request(`http://${host}:${new URL(origin).port}`, { dispatcher })).rejects.toMatchObject({
      code: "ESSRF",
    });
    // Not even a connection: a name is judged by every address it resolves to, before any of them is tried.
    await untilSettled();
    expect(connections()).toBe(0);
  });

  test("an address that is none is blocked, public ones are not", () => {
    expect(isBlocked("not an address", true)).toBe(true);
    expect(isBlocked("93.184.215.14", false)).toBe(false);
    expect(isBlocked("2606:2800:21f:cb07:6820:80da:af6b:8b2c", false)).toBe(false);
  });
});
