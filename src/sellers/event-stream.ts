import type { Readable } from "node:stream";

/** How long a stream that gave its answer may take to end by itself, so that its socket can serve again. */
const TAIL_MS = 250;

/** What was read of an event stream: the data of the event that was wanted, or where the stream ended without it. */
export interface StreamReading {
  readonly data: string | null;
  /** The id of the last event, by which a stream that ended too soon may be taken up again. */
  readonly lastEventId: string | null;
  /** Milliseconds the seller asks to wait before that. */
  readonly retryMs: number | null;
}

interface Field {
  readonly name: string;
  readonly value: string;
}

/**
 * Reads `text/event-stream` up to the first event that is wanted; a seller may leave the stream open after it.
 * A stream that breaks off after an event with an id counts as ended there, since it may be taken up again.
 * @param wanted is given the data of each complete event, in order
 * @throws what the body throws
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export async function readEventStream(body: Readable, wanted: (data: string) => boolean): Promise<StreamReading> {
  let lastEventId: string | null = null;
  let retryMs: number | null = null;
  let data: string[] = [];
  // Cutting a body short makes it emit an error that nobody waits for.
  body.on("error", () => undefined);
  const lines = fieldsOf(body);
  try {
    for (;;) {
      const { value: field, done } = await lines.next();
      if (field?.name === "data") data.push(field.value);
      else if (field?.name === "id" && !field.value.includes("\0")) lastEventId = field.value || null;
      else if (field?.name === "retry" && /^\d{1,9}$/.test(field.value)) retryMs = Number(field.value);
      if (field && field.name !== "") continue;
      // The last event counts without its blank line too: half an answer is no JSON, and a whole one must not be lost.
      const event = data.join("\n");
      data = [];
      if (event !== "" && wanted(event)) {
        if (!done) void finish(body, lines);
        return { data: event, lastEventId, retryMs };
      }
      if (done) return { data: null, lastEventId, retryMs };
    }
  } catch (error) {
    if (lastEventId !== null && isBroken(error)) return { data: null, lastEventId, retryMs };
    throw error;
  }
}

/** The fields of a stream, line by line; an empty name ends an event. Each character is looked at once. */
async function* fieldsOf(body: Readable): AsyncGenerator<Field, undefined> {
  const decoder = new TextDecoder();
  let line: string[] = [];
  let afterReturn = false;
  for await (const chunk of body) {
    let text: string = decoder.decode(chunk, { stream: true });
    if (afterReturn && text.startsWith("\n")) text = text.slice(1);
    if (text !== "") afterReturn = text.endsWith("\r");
    const pieces = text.split(/\r\n|\n|\r/);
    const last = pieces.pop() ?? "";
    for (const piece of pieces) {
      yield fieldOf(line.join("") + piece);
      line = [];
    }
    line.push(last);
  }
  const rest = line.join("");
  if (rest !== "") yield fieldOf(rest);
  return undefined;
}

function fieldOf(line: string): Field {
  const colon = line.indexOf(":");
  if (line === "") return { name: "", value: "" };
  // A line that begins with a colon is a comment.
  if (colon === 0) return { name: "comment", value: "" };
  if (colon < 0) return { name: line, value: "" };
  return { name: line.slice(0, colon), value: line.slice(colon + 1).replace(/^ /, "") };
}

/** Lets a stream end by itself for a moment, else ends it. */
async function finish(body: Readable, lines: AsyncGenerator<Field, undefined>): Promise<void> {
  const cut = setTimeout(() => body.destroy(), TAIL_MS);
  cut.unref();
  try {
    while (!(await lines.next()).done);
  } catch {
    // The answer is had; how the stream ends is of no interest.
  } finally {
    clearTimeout(cut);
  }
}

/** The socket ended under the stream, rather than a deadline or a limit of ours. */
function isBroken(error: unknown): boolean {
  return error instanceof Error && "code" in error && ["ECONNRESET", "UND_ERR_SOCKET"].includes(String(error.code));
}
