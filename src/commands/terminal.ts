import { createInterface } from "node:readline";
import type { ReadStream, WriteStream } from "node:tty";

/** A person at a terminal, as commands talk to them. */
export interface Terminal {
  /** False where input or output is a pipe: then nobody is asked anything. */
  readonly interactive: boolean;
  /** The name the operating system gives the person. */
  readonly user: string;
  print(text: string): void;
  /** One line of input; null when the input ended, or the signal did before it came. */
  question(prompt: string, signal?: AbortSignal): Promise<string | null>;
  /** One line that is not shown while it is typed. */
  secret(prompt: string): Promise<string | null>;
}

/** A terminal over real streams. A pipe is never interactive, so that no program can answer in a person's place. */
export function terminalOf(input: ReadStream, output: WriteStream, user: string): Terminal {
  const interactive = input.isTTY === true && output.isTTY === true;
  // A terminal that was closed can be neither read, written nor set back (EIO). Its end is told by the end of the input;
  // an error that nobody hears would end the process before it has tidied up.
  for (const stream of [input, output]) stream.on("error", () => undefined);
  return {
    interactive,
    user,
    print: (text) => {
      // Nothing that is printed here may move the cursor or hide itself, whoever wrote it and when.
      output.write(`${text.replace(/[^\P{C}\n]/gu, "\u{fffd}")}\n`);
    },
    question: (prompt, signal) =>
      new Promise((resolve) => {
        const lines = createInterface({ input, output });
        // It passes on the errors of a terminal that is gone, and closes besides.
        lines.on("error", () => undefined);
        const stop = () => lines.close();
        signal?.addEventListener("abort", stop, { once: true });
        lines.once("close", () => {
          signal?.removeEventListener("abort", stop);
          resolve(null);
        });
        lines.question(prompt, (answer) => {
          resolve(answer.trim());
          lines.close();
        });
      }),
    secret: (prompt) => readSecret(input, output, prompt),
  };
}

function readSecret(input: ReadStream, output: WriteStream, prompt: string): Promise<string | null> {
  return new Promise((resolve) => {
    // Before the prompt: whoever types at once must not see it either.
    input.setRawMode(true);
    input.setEncoding("utf8");
    input.resume();
    output.write(prompt);
    let typed = "";
    const end = (answer: string | null) => {
      input.off("data", onData);
      input.setRawMode(false);
      input.pause();
      output.write("\n");
      resolve(answer);
    };
    const onData = (chunk: string) => {
      // Arrow and function keys are no part of any passphrase.
      if (chunk.startsWith("\u001b")) return;
      for (const character of chunk) {
        if (character === "\r" || character === "\n") return end(typed);
        if (character === "\u0003" || character === "\u0004") return end(null);
        if (character === "\u007f" || character === "\b") typed = [...typed].slice(0, -1).join("");
        else typed += character;
      }
    };
    input.on("data", onData);
  });
}
