/**
 * What a seller may answer on each carrier, and the AdCP body that is in it, for tests of the extraction: the rules of
 * "MCP" and "A2A response extraction" of the AdCP documentation, in samples of our own.
 */
export interface AnswerVector {
  readonly what: string;
  /** An MCP tool result; or an A2A task, as 0.3 or 1.0 spells it. */
  readonly answer: unknown;
  /** The AdCP body, `adcp_error` included where the seller refused; null where nothing can be read from it. */
  readonly body: Readonly<Record<string, unknown>> | null;
}

const products = { status: "completed", products: [{ product_id: "ctv-1" }] };
const refused = { adcp_error: { code: "RATE_LIMITED", message: "Later", recovery: "transient", retry_after: 5 } };
const text = (words: string) => ({ type: "text", text: words });

export const mcpAnswers: readonly AnswerVector[] = [
  {
    what: "structured content",
    answer: { content: [text("One product")], structuredContent: products },
    body: products,
  },
  {
    what: "structured content, and other JSON in the text",
    answer: { content: [text('{"products":[]}')], structuredContent: products },
    body: products,
  },
  { what: "nothing in the structured content", answer: { content: [text("None")], structuredContent: {} }, body: {} },
  {
    what: "JSON in the text of an older server",
    answer: { content: [text(JSON.stringify(products))] },
    body: products,
  },
  {
    what: "words, then JSON",
    answer: { content: [text("We found one."), text(JSON.stringify(products))] },
    body: products,
  },
  { what: "words alone", answer: { content: [text("We found one.")] }, body: null },
  { what: "broken JSON", answer: { content: [text('{"products":[')] }, body: null },
  { what: "a list, which is no body", answer: { content: [text("[1]")] }, body: null },
  { what: "no content at all", answer: {}, body: null },
  {
    what: "a refusal that is marked",
    answer: { isError: true, content: [text("Later")], structuredContent: refused },
    body: refused,
  },
  { what: "a refusal that is not marked", answer: { content: [], structuredContent: refused }, body: refused },
  {
    what: "a refusal as JSON in the text",
    answer: { isError: true, content: [text(JSON.stringify(refused))] },
    body: refused,
  },
  { what: "an error in words alone", answer: { isError: true, content: [text("It failed")] }, body: null },
];

const data = (body: unknown) => ({ kind: "data", data: body });
const words = { kind: "text", text: "Some words" };
const task = (state: string, ...artifacts: readonly (readonly unknown[])[]) => ({
  ...{ kind: "task", id: "a2a-1", contextId: "c-1", status: { state, timestamp: "2027-04-01T00:00:00Z" } },
  artifacts: artifacts.map((parts, n) => ({ artifactId: `artifact-${n}`, parts })),
});
const saying = (state: string, ...parts: readonly unknown[]) => ({
  ...{ kind: "task", id: "a2a-1", contextId: "c-1" },
  status: { state, message: { kind: "message", role: "agent", messageId: "m-1", parts } },
});
const submitted = { status: "submitted", task_id: "task-1" };
const working = { percentage: 45, current_step: "inventory" };

export const a2aAnswers: readonly AnswerVector[] = [
  { what: "data beside words", answer: task("completed", [words, data(products)]), body: products },
  { what: "several data parts: the last", answer: task("completed", [data(working), data(products)]), body: products },
  {
    what: "several artifacts: the first",
    answer: task("completed", [data(products)], [data({ file: "x" })]),
    body: products,
  },
  {
    what: "data that is null or no object",
    answer: task("completed", [data(null), data(42), data(products)]),
    body: products,
  },
  {
    what: "the same after the body",
    answer: task("completed", [data(products), data("x"), data(null)]),
    body: products,
  },
  { what: "an AdCP task waits, the A2A task is done", answer: task("completed", [data(submitted)]), body: submitted },
  { what: "a refusal", answer: task("failed", [words, data(refused)]), body: refused },
  { what: "no artifacts, the body in the message", answer: saying("completed", words, data(products)), body: products },
  { what: "no end yet, news in the message", answer: saying("working", words, data(working)), body: working },
  {
    what: "a question to us",
    answer: saying("input-required", words, data({ reason: "APPROVAL_REQUIRED" })),
    body: { reason: "APPROVAL_REQUIRED" },
  },
  { what: "words alone", answer: task("completed", [words]), body: null },
  { what: "a failure in words alone", answer: saying("failed", words), body: null },
  { what: "canceled, and nothing said", answer: task("canceled"), body: null },
  {
    what: "a body wrapped once more, which is forbidden",
    answer: task("completed", [data({ response: products })]),
    body: null,
  },
  {
    what: "1.0: no kinds, and its names of states",
    answer: { task: task("TASK_STATE_COMPLETED", [{ text: "Some words" }, { data: products }]) },
    body: products,
  },
  {
    what: "1.0: a refusal",
    answer: { task: task("TASK_STATE_REJECTED", [{ data: refused }]) },
    body: refused,
  },
  {
    what: "1.0: a question to us",
    answer: { task: saying("TASK_STATE_INPUT_REQUIRED", { data: { reason: "CLARIFICATION_NEEDED" } }) },
    body: { reason: "CLARIFICATION_NEEDED" },
  },
];

/** What an error asks of the buyer: send the same again, change the request, or fetch a person. */
export interface ErrorVector {
  readonly what: string;
  readonly error: Readonly<Record<string, unknown>>;
  readonly does: "again" | "change" | "person";
}

export const errorAnswers: readonly ErrorVector[] = [
  { what: "transient", error: { code: "SERVICE_UNAVAILABLE", message: "", recovery: "transient" }, does: "again" },
  { what: "correctable", error: { code: "BUDGET_TOO_LOW", message: "", recovery: "correctable" }, does: "change" },
  { what: "terminal", error: { code: "ACCOUNT_SUSPENDED", message: "", recovery: "terminal" }, does: "person" },
  {
    what: "a code of the seller's own",
    error: { code: "X_OWN", message: "", recovery: "correctable" },
    does: "change",
  },
  { what: "no recovery", error: { code: "X_OWN", message: "" }, does: "again" },
  { what: "a recovery that nobody knows", error: { code: "X_OWN", message: "", recovery: "perhaps" }, does: "person" },
  // Correctable by the schema; to change them and ask again without a person would look like evasion.
  ...["GOVERNANCE_DENIED", "POLICY_VIOLATION", "TERMS_REJECTED", "REQUOTE_REQUIRED"].map(
    (code): ErrorVector => ({ what: code, error: { code, message: "", recovery: "correctable" }, does: "person" }),
  ),
];

/** JSON-RPC errors, of either carrier, that carry an AdCP error, and which. */
export const rpcErrors: readonly { readonly error: unknown; readonly code: string | null }[] = [
  { error: { code: -32029, message: "Later", data: refused }, code: "RATE_LIMITED" },
  {
    error: { code: -32028, message: "Who?", data: { adcp_error: { code: "AUTH_REQUIRED", recovery: "correctable" } } },
    code: "AUTH_REQUIRED",
  },
  {
    error: {
      code: -32027,
      message: "Down",
      data: { adcp_error: { code: "SERVICE_UNAVAILABLE", recovery: "transient" } },
    },
    code: "SERVICE_UNAVAILABLE",
  },
  { error: { code: -32603, message: "Internal error" }, code: null },
];
