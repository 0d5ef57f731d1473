import { createServer } from "node:http";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler } from "@modelcontextprotocol/server";
import { bareServer } from "./bare.ts";

/** The SDK over HTTP as its own examples mount it: nothing asked, nothing limited, nothing logged. */
const answer = toNodeHandler(createMcpHandler(bareServer));
const server = createServer((request, response) => {
  const { method = "", url = "/" } = request;
  void answer(Object.assign(request, { method, url }), response);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("it listens nowhere");
  process.stderr.write(`listening on ${address.port}\n`);
});
