import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** A server on 127.0.0.1 and how to end it. */
export interface Loopback {
  readonly port: number;
  readonly url: string;
  /** Stops listening and hangs up on everybody. */
  close(): Promise<void>;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("not listening on a port"));
      else resolve(address.port);
    });
  });
}

/** Starts a loopback server on the wished port, or on any when that one is taken. */
export async function openLoopback(
  wishedPort: number,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Loopback> {
  // No time-outs of its own: a hung request hangs until the caller gives up.
  const server = createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 5_000 }, handle);
  server.on("clientError", (_error, socket) => socket.destroy());
  let port: number;
  try {
    port = await listen(server, wishedPort);
  } catch (error) {
    if (wishedPort === 0) throw error;
    port = await listen(server, 0);
  }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The whole body of a request as text; rejects when the caller hangs up first. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(Buffer.isBuffer(part) ? part : Buffer.from(String(part)));
  return Buffer.concat(parts).toString("utf8");
}
