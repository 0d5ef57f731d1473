import { newToken, tokenDigest } from "../http/tokens.ts";

/**
 * `media-buyer-mcp token [name]`: prints a fresh token and the lines by which the config knows it. Nothing is kept, so a
 * token that is lost is replaced.
 * @returns the exit code
 */
export function tokenCommand(name = "agent", print: (text: string) => 0): 0 {
  const token = newToken();
  const principal = { name, token_sha256: tokenDigest(token), scopes: ["buy:read", "buy:quote", "buy:write"] };
  return print(
    [
      "The token, shown once; the caller sends it as Authorization: Bearer <token>",
      `  ${token}`,
      "The line for http.principals in the config; it may ask to buy, and approve nothing",
      `  ${JSON.stringify(principal)}`,
    ].join("\n"),
  );
}
