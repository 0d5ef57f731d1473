import { type IncomingHttpHeaders, request } from "node:http";

export interface Heard {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Said {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sends the body in pieces without saying how long it is. */
  readonly chunked?: boolean;
}

/** One HTTP request with exactly these headers, as no browser and no fetch would let us send it. */
export function call(url: string, said: Said = {}): Promise<Heard> {
  const { method = "GET", headers = {}, body, chunked = false } = said;
  const { port, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const sending = request({ host: "127.0.0.1", port, path: pathname + search, method, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => {
        const { statusCode = 0, headers: heard } = response;
        resolve({ status: statusCode, headers: heard, text: Buffer.concat(parts).toString("utf8") });
      });
    });
    sending.on("error", reject);
    if (body !== undefined && !chunked) sending.setHeader("content-length", Buffer.byteLength(body));
    if (body !== undefined) sending.write(body);
    sending.end();
  });
}

/** A form's fields; a list gives its name more than once. */
export type FormFields = Readonly<Record<string, string | readonly string[]>>;

/** Somebody with a browser: keeps its cookie, sends what a browser sends, and nothing a page did not give it. */
export class Visitor {
  readonly origin: string;
  #cookie = "";

  constructor(origin: string) {
    this.origin = origin;
  }

  get cookie(): string {
    return this.#cookie;
  }

  /** Opens a page. */
  async open(path: string): Promise<Heard> {
    const heard = await call(this.origin + path, { headers: this.#own() });
    const [set] = heard.headers["set-cookie"] ?? [];
    if (set) this.#cookie = set.split(";")[0] ?? "";
    return heard;
  }

  /** Opens a page and takes the token out of its form. */
  async token(path: string): Promise<string> {
    const { text } = await this.open(path);
    return /name="token" value="([^"]+)"/.exec(text)?.[1] ?? "no token";
  }

  /** Sends a form, by default from our own page. */
  form(path: string, fields: FormFields, headers: Readonly<Record<string, string>> = {}): Promise<Heard> {
    const pairs = Object.entries(fields).flatMap(([name, value]) =>
      (typeof value === "string" ? [value] : value).map((one): [string, string] => [name, one]),
    );
    const type = "application/x-www-form-urlencoded";
    return this.#post(path, new URLSearchParams(pairs).toString(), { "content-type": type, ...headers });
  }

  /** Sends JSON, as the page's script does. */
  json(path: string, value: unknown): Promise<Heard> {
    return this.#post(path, JSON.stringify(value), { "content-type": "application/json" });
  }

  #post(path: string, body: string, headers: Readonly<Record<string, string>>): Promise<Heard> {
    const own = { ...this.#own(), origin: this.origin, "sec-fetch-site": "same-origin" };
    return call(this.origin + path, { method: "POST", body, headers: { ...own, ...headers } });
  }

  #own(): Record<string, string> {
    const host = this.origin.slice("http://".length);
    return this.#cookie ? { host, cookie: this.#cookie } : { host };
  }
}

/** Opens an approval as a new visitor and sends its form. */
export async function decideAs(
  origin: string,
  approvalId: string,
  fields: FormFields,
  visitor = new Visitor(origin),
): Promise<Heard> {
  const token = await visitor.token(`/a/${approvalId}`);
  return visitor.form(`/a/${approvalId}`, { token, person: "dana", note: "", ...fields });
}
