import type { Struck } from "../faults.ts";
import type { TaskArguments, TaskName } from "./arguments.ts";
import type { AdcpRuntime } from "./runtime.ts";

/** One task call, as its handler meets it. */
export interface AdcpCall<Name extends TaskName> {
  readonly seller: AdcpRuntime;
  readonly args: TaskArguments[Name];
  readonly faults: Struck["faults"];
}

/** How long a repeated key is answered from the books, in seconds. */
export const replaySeconds = 86_400;
