import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export type Handle = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** Where the connection breaks: a client may only time out, or may read the beginning of an answer and wait for the rest. */
export type Cut = "before headers" | "after headers";

/** A request that has been carried out under this header is not lost again. */
const RELAYED = "x-relayed";

/** A server on loopback that can lose an answer: the request is carried out to the end, and its connection breaks. */
export class LossyServer {
  readonly #server = createServer((incoming, outgoing) => this.#take(incoming, outgoing));
  #handle: Handle = (_, outgoing) => outgoing.writeHead(503).end();
  #losing: { readonly which: (body: unknown) => boolean; readonly cut: Cut } | null = null;
  #origin = "";

  get origin(): string {
    return this.#origin;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.#origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  answerWith(handle: Handle): void {
    this.#handle = handle;
  }

  /** Loses the answer to the next POST whose JSON body is the one. */
  loseNext(which: (body: unknown) => boolean, cut: Cut): void {
    this.#losing = { which, cut };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  #take(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (this.#losing === null || incoming.method !== "POST" || incoming.headers[RELAYED])
      this.#handle(incoming, outgoing);
    else void this.#relay(incoming, outgoing);
  }

  /** To know which request it is its body must be read, so it is sent again, to this same server. */
  async #relay(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const lost = this.#losing?.which(JSON.parse(body.toString())) ? this.#losing.cut : null;
    if (lost !== null) this.#losing = null;
    const again = request(`${this.#origin}${incoming.url}`, {
      method: "POST",
      headers: { ...incoming.headers, [RELAYED]: "1", "content-length": body.length },
    });
    again.end(body);
    const [answer] = (await once(again, "response")) as [IncomingMessage];
    const said = await buffer(answer);
    if (lost !== "before headers") outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    if (lost === null) outgoing.end(said);
    else {
      if (lost === "after headers") await new Promise((sent) => outgoing.write("\n", sent));
      outgoing.socket?.destroy();
    }
  }
}
