import { mainFile, startDesk } from "../e2e/fixtures.ts";
import { tokens } from "../e2e/http-server.ts";
import { Child, programOf } from "./child.ts";
import { callOf, kitPage, Load, listensAt, type Repeated, servedWithoutLimit } from "./load.ts";
import { median, type Row } from "./table.ts";

/** Rounds, each a slice of every side: what else the machine does then falls on all of them. */
const ROUNDS = 9;
const SLICE_MS = 700;
/** Calls until the compiler is done with what is called. */
const WARM_UP = 6_000;

/** A process under load, and where it is reached. */
interface Side {
  readonly child: Child;
  readonly load: Load;
}

/** Requests a second over HTTP in the 2026 era: the product against a bare server of the same SDK. */
export async function throughput(): Promise<readonly Row[]> {
  const desk = await startDesk({ config: servedWithoutLimit });
  const sides: Side[] = [];
  const sideOf = async (child: Child, port: RegExp): Promise<Side> => {
    const side = { child, load: new Load(await child.port(port)) };
    sides.push(side);
    return side;
  };
  try {
    const product = await sideOf(new Child(mainFile, ["--http", "0"], desk.start.env), listensAt);
    const program = await programOf("bare-http", "bundled");
    const bare = await sideOf(new Child(program, [], desk.start.env), /listening on (\d+)/);
    const read = callOf("get_media_kit", kitPage, "northbeam/prod-", tokens.agent);
    const length = await product.load.one(read);
    const echo = callOf("echo", { text: "again" }, "again", null);
    const long = callOf("echo", { text: "0123456789", times: Math.round(length / 10) }, "0123456789", null);
    for (const [{ load }, call] of [
      [product, read],
      [bare, echo],
      [bare, long],
    ] as const)
      await load.times(WARM_UP, () => load.one(call));

    const asked = desk.sandbox.requests("northbeam").length;
    const rounds: Readonly<Record<"ours" | "bare" | "long", Slice>>[] = [];
    for (let n = 0; n < ROUNDS; n += 1)
      rounds.push({ ours: await slice(product, read), bare: await slice(bare, echo), long: await slice(bare, long) });
    if (desk.sandbox.requests("northbeam").length !== asked) throw new Error("a seller was called: no cached read");

    const against = (what: string, side: "bare" | "long", measure: "rate" | "cpu", wanted = ""): Row => ({
      what,
      ours: median(rounds.map((round) => round.ours[measure])),
      theirs: median(rounds.map((round) => round[side][measure])),
      ratio: median(rounds.map((round) => round.ours[measure] / round[side][measure])),
      wanted,
    });
    return [
      against("a page of a cached media kit, requests/s; bare: one word", "bare", "rate", "at least 0.70"),
      against(`the same; bare: as long an answer (${length} bytes)`, "long", "rate"),
      against("processor time of each, ms; bare: one word", "bare", "cpu"),
      against("the same; bare: as long an answer", "long", "cpu"),
    ];
  } finally {
    await Promise.all(sides.map(({ load }) => load.close()));
    await Promise.all(sides.map(({ child }) => child.stop()));
    await desk.close();
  }
}

/** Requests a second, and milliseconds of a processor for each. */
interface Slice {
  readonly rate: number;
  readonly cpu: number;
}

async function slice({ child, load }: Side, call: Repeated): Promise<Slice> {
  const before = await child.standing();
  const { answered, seconds } = await load.during(SLICE_MS, call);
  const after = await child.standing();
  return { rate: answered / seconds, cpu: (after.cpuMs - before.cpuMs) / answered };
}
