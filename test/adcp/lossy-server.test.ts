import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LossyServer } from "./lossy-server.ts";

let server: LossyServer;
let carriedOut: unknown[];
beforeEach(async () => {
  server = new LossyServer();
  await server.listen();
  carriedOut = [];
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    carriedOut.push(await json(incoming));
    outgoing.writeHead(201, { "content-type": "application/json" }).end('{"done":true}');
  };
  server.answerWith((incoming, outgoing) => void answer(incoming, outgoing));
});
afterEach(() => server.close());

const ask = (body: unknown) => fetch(server.origin, { method: "POST", body: JSON.stringify(body) });
const isTwo = (body: unknown) => body === 2;

it("carries a request out and breaks its connection before any answer; others are answered", async () => {
  server.loseNext(isTwo, "before headers");
  expect(await (await ask(1)).json()).toEqual({ done: true });
  await expect(ask(2)).rejects.toThrow("fetch failed");
  expect((await ask(2)).status).toBe(201);
  expect(carriedOut).toEqual([1, 2, 2]);
});

it("breaks it in the middle of the answer", async () => {
  server.loseNext(isTwo, "after headers");
  const begun = await ask(2);
  expect(begun.status).toBe(201);
  await expect(begun.text()).rejects.toThrow("terminated");
  expect(carriedOut).toEqual([2]);
});
