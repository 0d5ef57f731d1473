import { mainFile, startDesk } from "../e2e/fixtures.ts";
import { tokens } from "../e2e/http-server.ts";
import { Child } from "./child.ts";
import { beginAndEnd, callOf, kitPage, Load, listensAt, servedWithoutLimit } from "./load.ts";
import type { Row } from "./table.ts";

const WARM_UP = 10_000;
const CALLS = 100_000;
/** One in so many is a session of the 2025 era: begun, asked something, ended. */
const SESSION_EVERY = 50;

/** What 100,000 calls leave behind in a server process: its memory after a sweep, warm and at the end. */
export async function memory(): Promise<readonly Row[]> {
  const desk = await startDesk({ config: servedWithoutLimit });
  const product = new Child(mainFile, ["--http", "0"], desk.start.env, ["--expose-gc"]);
  const loads: Load[] = [];
  try {
    const load = new Load(await product.port(listensAt));
    loads.push(load);
    const read = callOf("get_media_kit", { ...kitPage, limit: 1 }, "northbeam/prod-", tokens.agent);
    const work = (n: number) => (n % SESSION_EVERY === 0 ? beginAndEnd(load, tokens.agent) : load.one(read));
    await load.times(WARM_UP, work);
    const warm = await product.standing();
    await load.times(CALLS, work);
    const end = await product.standing();
    return (["rss", "heap"] as const).flatMap((part): readonly Row[] => {
      const [before, after] = [warm[part] / 1e6, end[part] / 1e6];
      const name = part === "rss" ? "resident memory, MB" : "of it the heap, swept, MB";
      const grown = ((after - before) / CALLS) * 10_000;
      return [
        {
          what: `${name}: after ${CALLS} calls, and after ${WARM_UP} (${grown.toFixed(2)} MB in 10000 calls)`,
          ours: after,
          theirs: before,
          ratio: after / before,
          wanted: "flat",
        },
      ];
    });
  } finally {
    await Promise.all(loads.map((one) => one.close()));
    await product.stop();
    await desk.close();
  }
}
