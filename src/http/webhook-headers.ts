/** What the headers of a signed webhook say (RFC 9421, RFC 9530, as much of RFC 8941 as they use). Pure, and strict. */

/** A request as it arrived. */
export interface ReceivedRequest {
  readonly method: string;
  /** Names and values in turn, as Node's `rawHeaders`: what came twice is seen to have come twice. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

/** A header that came exactly once, without the white space around it; null otherwise. */
export function headerOnce({ rawHeaders }: ReceivedRequest, name: string): string | null {
  const found = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
  return found.length === 1 ? (found[0] ?? "").trim() : null;
}

/** Whether a header came at all, however often. */
export function hasHeader({ rawHeaders }: ReceivedRequest, name: string): boolean {
  return rawHeaders.some((given, at) => at % 2 === 0 && given.toLowerCase() === name);
}

/** One signature's description. */
export interface SignatureInput {
  readonly label: string;
  /** The components it covers, in its order. */
  readonly covered: readonly string[];
  readonly parameters: ReadonlyMap<string, string | number>;
  /** As it came, which is what was signed. */
  readonly raw: string;
}

const key = "[a-z*][a-z0-9_.*-]*";
const quoted = '"[ !#-\\[\\]-~]*"';
const inputShape = new RegExp(`^(${key})=(\\((${quoted}(?: ${quoted})*)\\)((?:;${key}=(?:\\d{1,15}|${quoted}))*))$`);

/**
 * Reads `Signature-Input` with exactly one signature, in the one spelling that a serializer writes: with any other, it is
 * not sure which bytes were signed. Null for all else.
 */
export function signatureInput(header: string): SignatureInput | null {
  const [, label, raw, components, rest] = inputShape.exec(header) ?? [];
  if (label === undefined || raw === undefined || components === undefined || rest === undefined) return null;
  const covered = (components.match(/"[^"]*"/g) ?? []).map((name) => name.slice(1, -1));
  const written = [...rest.matchAll(new RegExp(`;(${key})=(?:(\\d+)|"([^"]*)")`, "g"))];
  const parameters = new Map(
    written.map(([, name = "", digits, text = ""]) => [name, digits === undefined ? text : Number(digits)]),
  );
  return parameters.size === written.length ? { label, covered, parameters, raw } : null;
}

/** The bytes of `label=:…:`, in either base64 alphabet, padded or not (sellers write all four); null where it is not just that. */
export function labelledBytes(header: string, label: string): Buffer | null {
  const [, name, text] = /^([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/_-]+={0,2}):$/.exec(header) ?? [];
  return name === label && text !== undefined ? Buffer.from(text, "base64url") : null;
}
