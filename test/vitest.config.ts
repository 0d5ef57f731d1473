import process from "node:process";
import { defineConfig } from "vitest/config";

// Workers inherit both. A name that nobody answers for holds a thread until its lookup gives up: with few threads and long
// lookups, a test that looks up localhost would wait behind those of a test before it.
process.env["UV_THREADPOOL_SIZE"] ??= "128";
process.env["RES_OPTIONS"] ??= "timeout:1 attempts:1";

/** `LONG=1` runs the long forms too; the bundle that child processes start is built once, before all files. */
export default defineConfig({
  root: new URL("..", import.meta.url).pathname,
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/build-once.ts"],
    pool: "forks",
    // Our modules keep nothing between two desks, so a worker that has loaded them runs one file after the other.
    isolate: false,
    // More than cores: what takes longest waits for sellers, people and claims rather than for a processor.
    maxWorkers: 4,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // A test that passes on a second try hides a race; none gets one.
    retry: 0,
    reporters: ["default"],
  },
});
