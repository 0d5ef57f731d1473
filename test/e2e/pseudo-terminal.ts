import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

/** Whether this machine can open a pseudo-terminal for a test: `script` of util-linux, which Linux systems have. */
export const hasTerminal =
  process.platform === "linux" && /util-linux/.test(spawnSync("script", ["--version"], { encoding: "utf8" }).stdout);

/** A program on a real pseudo-terminal: it finds a TTY on both sides, echo and all, and somebody types. */
export class PseudoTerminal {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<number>;
  #screen = "";
  #seen = 0;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stdout.on("data", (chunk: Buffer) => {
      this.#screen += chunk.toString("utf8");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#screen += chunk.toString("utf8");
    });
    this.#ended = new Promise((resolve) => child.once("close", (code) => resolve(code ?? -1)));
  }

  /** Starts a command line on a terminal 100 characters wide. */
  static open(words: readonly string[], env: Readonly<Record<string, string>>): PseudoTerminal {
    const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    const line = `stty cols 100 rows 40; exec ${quoted}`;
    return new PseudoTerminal(
      spawn("script", ["-qfec", line, "/dev/null"], { env: { TERM: "xterm", SHELL: "/bin/sh", ...env } }),
    );
  }

  /** All that was ever on the screen. */
  get screen(): string {
    return this.#screen;
  }

  /** Waits for words that were not there at the last look. */
  async see(words: string, withinMs = 30_000): Promise<void> {
    const until = Date.now() + withinMs;
    for (;;) {
      const at = this.#screen.indexOf(words, this.#seen);
      if (at >= 0) {
        this.#seen = at + words.length;
        return;
      }
      if (Date.now() > until) throw new Error(`"${words}" did not appear on:\n${this.#screen}`);
      await delay(10);
    }
  }

  /** Types something and presses Enter, once it is asked for. */
  async answer(prompt: string, typed: string, withinMs?: number): Promise<void> {
    await this.see(prompt, withinMs);
    this.#child.stdin.write(`${typed}\r`);
  }

  /** Presses a key as it is, e.g. `\u0003` for Ctrl-C. */
  press(key: string): void {
    this.#child.stdin.write(key);
  }

  /** Closes the terminal's window. */
  hangUp(): void {
    this.#child.kill("SIGTERM");
  }

  /** The exit code, once the program has ended. */
  ended(): Promise<number> {
    return this.#ended;
  }
}
