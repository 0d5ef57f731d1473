import { ConfigError } from "../config.ts";
import { BuyingError } from "../domain/errors.ts";
import { LedgerUnavailable } from "../ledger/ledger.ts";

/** What went wrong, in a line where we know it; with the way it came only where it is a fault of ours. */
export function failureInWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? String(error.code) : "";
  if (code.startsWith("ERR_PARSE_ARGS")) return `${error.message}\nSee media-buyer-mcp --help.`;
  if (error instanceof BuyingError) return `${error.code}: ${error.message}`;
  if (error instanceof LedgerUnavailable)
    return error.cause instanceof Error ? `${error.message} ${error.cause.message}` : error.message;
  // The operating system's own refusals (EACCES, ENOSPC, EADDRINUSE) name what they are about.
  if (error instanceof ConfigError || "syscall" in error) return error.message;
  return error.stack ?? error.message;
}
