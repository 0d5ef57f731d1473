import * as z from "zod";
import { tools } from "../../src/tools/index.ts";
import { envelope } from "../e2e/raw-client.ts";
import { Random } from "../simulation/random.ts";
import { mutated, type Schema, textOf, drawn, type Words } from "./fuzz-values.ts";

/** Bytes to write to a new connection, in parts with a pause between them, and what is done when they are written. */
export interface Case {
  readonly kind: string;
  readonly parts: readonly Buffer[];
  /** Whether a whole request was sent, so that an answer is due; what is cut short may be left waiting. */
  readonly whole: boolean;
}

/** What the cases are made with. */
export interface Material {
  /** A caller that may look, quote and ask to buy, and nothing else. */
  readonly token: string;
  /** A session of the caller's own, and one of somebody else's. */
  readonly sessions: readonly string[];
  /** States that were handed to others, or never. */
  readonly states: readonly string[];
  readonly words: Words;
}

type Headers = readonly (readonly [string, string])[];

const schemas: readonly (readonly [string, Schema])[] = tools.map(({ name, input }) => [
  name,
  // The schema as clients read it; only what is drawn from here is looked at.
  z.toJSONSchema(input, { io: "input", unrepresentable: "any" }) as Schema,
]);
const uris = [
  "buyer://quote/northbeam/%zz",
  "buyer://approval/__proto__",
  "buyer://seller/northbeam",
  "ui://media-buyer-mcp/approval-card.html",
  "file:///etc/passwd",
  "buyer://media-buy/a/b/c/d",
  "no address at all",
];
const methods: readonly (readonly [string, unknown])[] = [
  ["tools/list", {}],
  ["tools/call", { name: "constructor", arguments: {} }],
  ["prompts/list", { cursor: "x" }],
  ["prompts/get", { name: "plan_a_buy", arguments: { brief: "b" } }],
  ["resources/list", {}],
  ["resources/templates/list", {}],
  ["completion/complete", { ref: { type: "ref/prompt", name: "__proto__" }, argument: { name: "id", value: "a" } }],
  [
    "completion/complete",
    { ref: { type: "ref/resource", uri: "buyer://approval/{id}" }, argument: { name: "id", value: "a" } },
  ],
  ["server/discover", {}],
  ["ping", {}],
  ["logging/setLevel", { level: "debug" }],
  ["sampling/createMessage", { messages: [], maxTokens: 1 }],
  ["notifications/initialized", {}],
  ["notifications/cancelled", { requestId: 1, reason: "x" }],
  ["notifications/progress", { progressToken: "x", progress: 1e308 }],
  ["__proto__", {}],
  ["", {}],
];

const kinds = { door: 3, body: 4, chunks: 1, modern: 6, tool: 10, forged: 3, legacy: 4 } as const;
type Kind = keyof typeof kinds;

/** The case of this number: the same seed and number make the same bytes. */
export function caseOf(seed: number, number: number, material: Material): Case {
  const random = new Random(seed * 1_000_003 + number);
  const kind = random.weighted(kinds);
  const made = maker[kind](random, material);
  return { ...made, kind };
}

type Made = Omit<Case, "kind">;

const maker: Readonly<Record<Kind, (random: Random, material: Material) => Made>> = {
  door: (random, material) => {
    const body = bodyOf("tools/call", { name: "get_inbox", arguments: {} });
    const [version, ...rest] = headersOf("tools/call", "get_inbox", material.token);
    let headers: Headers = version ? [version, ...rest] : rest;
    let line = "POST /mcp HTTP/1.1";
    switch (random.between(0, 11)) {
      case 0:
        line = `${random.pick(["GET", "DELETE", "PUT", "TRACE", "CONNECT", "PATCH", "post", "PO ST", "\u0000"])} /mcp HTTP/1.1`;
        break;
      case 1:
        line = `POST ${random.pick(["/", "/mcp/", "//mcp", "/mcp?x=%00", "/%6dcp", "http://evil.example/mcp", "*", "/../mcp", "/readyz", "/healthz"])} HTTP/1.1`;
        break;
      case 2:
        line = `POST /mcp ${random.pick(["HTTP/1.0", "HTTP/2.0", "HTTP/9", "FTP/1.1", ""])}`;
        break;
      case 3:
        headers = headers.map(([name, value]) =>
          name === "host"
            ? [name, random.pick(["evil.example", "", "@", "127.0.0.1:99999", "[::1", "localhost,evil"])]
            : [name, value],
        );
        break;
      case 4:
        headers = [...headers, random.pick(headers)];
        break;
      case 5:
        headers = [...headers, ["x-long", "a".repeat(random.between(10_000, 40_000))]];
        break;
      case 6:
        headers = [...headers, ["x-split", "a\r\nx-injected: 1"], ["x y", "z"]];
        break;
      case 7:
        headers = [...headers, ["origin", random.pick(["null", "https://evil.example", "http://localhost", "@@"])]];
        break;
      case 8:
        headers = headers.filter(([name]) => name !== random.pick(["host", "authorization", "content-type", "accept"]));
        break;
      case 9:
        headers = [
          ...headers.filter(([name]) => name !== "authorization"),
          [
            "authorization",
            random.pick(["Bearer", "Bearer mbt_x", `Bearer ${"a".repeat(600)}`, "Basic eA==", "Bearer a b"]),
          ],
        ];
        break;
      case 10:
        headers = [...Array.from({ length: 300 }, (_one, n) => [`x-${n}`, "1"] as const), ...headers];
        break;
      default: {
        const bytes = Buffer.from(Array.from({ length: random.between(1, 300) }, () => random.between(0, 255)));
        return { parts: [Buffer.concat([bytes, Buffer.from("\r\n\r\n")])], whole: false };
      }
    }
    return { parts: [request(line, headers, body)], whole: true };
  },
  body: (random, material) => {
    const body = textOf(random, mutated(random, message("tools/call", { name: "get_inbox", arguments: {} })));
    const headers = headersOf("tools/call", "get_inbox", material.token);
    const line = "POST /mcp HTTP/1.1";
    const claimed = random.pick([String(body.length + 10), "-1", "x", "1e3", "99999999999", "+5", "0x10"]);
    switch (random.between(0, 7)) {
      case 0:
        // Claims another length than it has; what is left over is no request either.
        return { parts: [request(line, headers, body, claimed)], whole: false };
      case 1: {
        const bytes = request(line, headers, body);
        return { parts: [bytes.subarray(0, random.between(1, bytes.length - 1))], whole: false };
      }
      case 2: {
        const bytes = request(line, headers, body);
        const at = random.between(1, bytes.length - 1);
        return { parts: [bytes.subarray(0, at), bytes.subarray(at)], whole: true };
      }
      case 3:
        return { parts: [request(line, headers, Buffer.from(" ".repeat(1 << 20)))], whole: true };
      default:
        return { parts: [request(line, headers, body)], whole: true };
    }
  },
  chunks: (random, material) => {
    const body = bodyOf("tools/call", { name: "get_inbox", arguments: {} });
    const head = [...headersOf("tools/call", "get_inbox", material.token), ["transfer-encoding", "chunked"]]
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("");
    const size = random.pick([body.length.toString(16), "-5", "zz", "FFFFFFFFFFFFFFFFF", "0", "1;ext=\u0000"]);
    const end = random.pick(["0\r\n\r\n", "", "0\r\nx: y\r\n\r\n", "garbage"]);
    const both = random.chance(0.2) ? "content-length: 5\r\n" : "";
    const text = `POST /mcp HTTP/1.1\r\n${head}${both}\r\n${size}\r\n${body.toString("utf8")}\r\n${end}`;
    return { parts: [Buffer.from(text)], whole: false };
  },
  modern: (random, material) => {
    const [method, params] = random.chance(0.3)
      ? (["resources/read", { uri: random.pick(uris) }] as const)
      : random.pick(methods);
    const given = message(method, random.chance(0.6) ? mutated(random, params) : params);
    const wrong = random.chance(0.3) ? mutated(random, given) : given;
    const headers = headersOf(random.chance(0.9) ? method : "tools/list", nameIn(params), material.token);
    return { parts: [request("POST /mcp HTTP/1.1", headers, textOf(random, wrong))], whole: true };
  },
  tool: (random, material) => {
    const [name, schema] = random.pick(schemas);
    const valid = drawn(random, schema, material.words);
    const args = patient(random.chance(0.5) ? mutated(random, valid) : valid);
    const body = bodyOf("tools/call", { name, arguments: args });
    return { parts: [request("POST /mcp HTTP/1.1", headersOf("tools/call", name, material.token), body)], whole: true };
  },
  forged: (random, material) => {
    const [name, schema] = random.pick(schemas);
    const requestState = random.chance(0.3) ? mutated(random, "x") : random.pick(material.states);
    const accepted = { approval: { action: "accept", content: { decision: "approve" } } };
    const inputResponses = random.chance(0.5) ? mutated(random, accepted) : accepted;
    const args = patient(drawn(random, schema, material.words));
    const body = bodyOf("tools/call", {
      name,
      arguments: args,
      inputResponses,
      ...(random.chance(0.8) ? { requestState } : {}),
    });
    return { parts: [request("POST /mcp HTTP/1.1", headersOf("tools/call", name, material.token), body)], whole: true };
  },
  legacy: (random, material) => {
    const [own = ""] = material.sessions;
    const session = random.weighted({ own: 6, others: 2, none: 2 });
    const id = { own, others: material.sessions[1] ?? "", none: random.pick(["x", "__proto__", "\u00e9", ""]) }[
      session
    ];
    const plain = headersOf(null, null, material.token);
    // Its own session is not ended: the rest of the run is to reach what is behind it.
    const method = random.pick(["POST", "POST", "POST", "POST", "GET", session === "own" ? "POST" : "DELETE"]);
    const line = `${method} /mcp HTTP/1.1`;
    if (random.chance(0.25)) {
      const clientInfo = { name: "fuzz", version: "1" };
      const params = { protocolVersion: "2025-11-25", capabilities: { elicitation: {} }, clientInfo };
      const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params };
      const given = random.chance(0.7) ? mutated(random, initialize) : initialize;
      return { parts: [request("POST /mcp HTTP/1.1", plain, textOf(random, given))], whole: true };
    }
    const headers: Headers = [...plain, ["mcp-session-id", id], ["mcp-protocol-version", "2025-11-25"]];
    const [tool, schema] = random.pick(schemas);
    const called = { name: tool, arguments: patient(drawn(random, schema, material.words)) };
    const [asked, params] = random.chance(0.5) ? (["tools/call", called] as const) : random.pick(methods);
    const kept = random.chance(0.5) ? params : mutated(random, params);
    const given = { jsonrpc: "2.0", id: random.pick([1, 2, 3, "a", null, 1.5, {}]), method: asked, params: kept };
    const answer = { jsonrpc: "2.0", id: random.between(0, 9), result: { action: "accept", content: {} } };
    const body = textOf(random, random.chance(0.2) ? answer : given);
    return { parts: [request(line, headers, body)], whole: true };
  },
};

/** No case waits for a person or a seller longer than the test does. */
function patient(args: unknown): unknown {
  if (typeof args !== "object" || args === null || Array.isArray(args)) return args;
  const entries = Object.entries(args).map(([key, value]) => [
    key,
    ["wait_s", "deadline_s"].includes(key) && typeof value === "number" ? Math.min(value, 1) : value,
  ]);
  return Object.fromEntries(entries);
}

function message(method: string, params: unknown): Record<string, unknown> {
  const kept = typeof params === "object" && params !== null && !Array.isArray(params) ? params : { params };
  const _meta = envelope({ elicitation: { form: {}, url: {} } });
  return { jsonrpc: "2.0", id: 1, method, params: { ...kept, _meta } };
}

function bodyOf(method: string, params: unknown): Buffer {
  return Buffer.from(JSON.stringify(message(method, params)));
}

function nameIn(params: unknown): string | null {
  if (typeof params !== "object" || params === null) return null;
  if ("name" in params && typeof params.name === "string") return params.name;
  return "uri" in params && typeof params.uri === "string" ? params.uri : null;
}

function headersOf(method: string | null, name: string | null, token: string): Headers {
  return [
    ["host", "127.0.0.1"],
    ["connection", "close"],
    ["content-type", "application/json"],
    ["accept", "application/json, text/event-stream"],
    ["authorization", `Bearer ${token}`],
    ...(method === null
      ? []
      : ([
          ["mcp-protocol-version", "2026-07-28"],
          ["mcp-method", method],
        ] as const)),
    ...(name === null ? [] : ([["mcp-name", name]] as const)),
  ];
}

function request(line: string, headers: Headers, body: Buffer, length = String(body.length)): Buffer {
  const head = [...headers, ["content-length", length] as const]
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  return Buffer.concat([Buffer.from(`${line}\r\n${head}\r\n`, "latin1"), body]);
}
