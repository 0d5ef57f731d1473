import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder of the test's own, and how to remove it. */
export function tempFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "media-buyer-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
