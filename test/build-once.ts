import { execFileSync } from "node:child_process";

/** End-to-end tests start the product as its users do: from the bundle, and always a fresh one. */
export function setup(): void {
  execFileSync("npm", ["run", "--silent", "build"], {
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
}
