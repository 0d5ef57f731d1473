import { createServer, type RequestListener, type Server } from "node:http";

/** Listening on a port of this computer, on both of the addresses `localhost` may mean. */
export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Listens on 127.0.0.1 and ::1 at the first free port of those wished, else at any. A port of which another program
 * holds one address is not free: a browser might ask that one.
 */
export async function listenLocally(wished: readonly number[], handle: RequestListener): Promise<Listening> {
  // Any free port is asked for more than once: that it is free on one address says little about the other.
  for (const port of [...wished, 0, 0, 0, 0, 0]) {
    const listening = await listenOnBoth(port, handle);
    if (listening) return listening;
  }
  throw new Error("no port of this computer is free");
}

async function listenOnBoth(wished: number, handle: RequestListener): Promise<Listening | null> {
  const four = await listen("127.0.0.1", wished, handle);
  if (four === "taken" || four === "no such address") return null;
  const six = await listen("::1", four.port, handle);
  if (six === "taken") {
    await four.close();
    return null;
  }
  return {
    port: four.port,
    // A computer without IPv6 resolves localhost to the other address alone.
    close: async () => void (await Promise.all([four.close(), six === "no such address" ? undefined : six.close()])),
  };
}

function listen(
  address: string,
  port: number,
  handle: RequestListener,
): Promise<Listening | "taken" | "no such address"> {
  const server = createServer(
    { maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 20_000, keepAliveTimeout: 5_000 },
    handle,
  );
  server.maxConnections = 64;
  server.on("clientError", (_error, socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const code = "code" in error ? error.code : null;
      if (code === "EADDRINUSE" || code === "EACCES") resolve("taken");
      else if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") resolve("no such address");
      else reject(error);
    });
    server.listen({ host: address, port, exclusive: true }, () => {
      const bound = server.address();
      if (bound === null || typeof bound === "string") reject(new Error("not listening on a port"));
      else resolve({ port: bound.port, close: () => closed(server) });
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
