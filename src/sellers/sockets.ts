import { lookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { Agent, buildConnector } from "undici";
import { isBlocked } from "./addresses.ts";

export { request } from "undici";

const CONNECT_MS = 5_000;

/** Connections that check the address they open, and cut an answer off that is too large. */
export interface Sockets {
  readonly kept: Agent;
  /** One request a socket: no POST can meet a kept socket that the seller is just closing. */
  readonly fresh: Agent;
}
/** @param maxResponseSize in bytes; a larger answer fails with `UND_ERR_RES_EXCEEDED_MAX_SIZE` */
export function openSockets(allowLoopback: boolean, maxResponseSize: number): Sockets {
  const connect = guardedConnector(allowLoopback, CONNECT_MS);
  const shared = { connect, maxResponseSize, connections: 8 };
  return { kept: new Agent(shared), fresh: new Agent({ ...shared, connections: null, pipelining: 0 }) };
}

class AddressNotAllowed extends Error {
  readonly code = "ESSRF";
}

/** Opens sockets to allowed addresses only: checks the literal, every resolved address, and the peer itself. */
export function guardedConnector(allowLoopback: boolean, timeoutMs: number): buildConnector.connector {
  const resolve: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error) callback(error, "");
      else if (!first || addresses.some(({ address }) => isBlocked(address, allowLoopback)))
        callback(new AddressNotAllowed("resolves to an address that is not allowed"), "");
      else if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
  const connect = buildConnector({ lookup: resolve, timeout: timeoutMs });
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, "");
    if (isIP(host) !== 0 && isBlocked(host, allowLoopback)) {
      callback(new AddressNotAllowed("is an address that is not allowed"), null);
      return;
    }
    connect(options, (...[error, socket]) => {
      if (error) callback(error, null);
      else if (isBlocked(socket.remoteAddress ?? "", allowLoopback)) {
        socket.destroy();
        callback(new AddressNotAllowed("answered from an address that is not allowed"), null);
      } else callback(null, socket);
    });
  };
}
