import { afterEach, describe, expect, test } from "vitest";
import { statementText } from "../../src/domain/decision.ts";
import { BuyingError } from "../../src/domain/errors.ts";
import { verifies } from "../requirements.ts";
import { type Bench, type BenchOptions, openBench, pin, start } from "./bench.ts";
import { lineOf, threeLines } from "./lines.ts";
import { decideAs, Visitor } from "./visitor.ts";

const benches: Bench[] = [];
const bench = async (options: BenchOptions = {}): Promise<Bench> => {
  const opened = await openBench(options);
  benches.push(opened);
  return opened;
};
afterEach(async () => {
  // A second server of a desk goes before the first, which owns the folder.
  for (const one of benches.splice(0).reverse()) await one.close();
});

const lines = threeLines.map(({ digest }) => digest);
const wrong = "not this battery";

describe("deciding with the PIN", () => {
  test("approves every line, signed by the person over exactly that", async () => {
    verifies("ask.page");
    const { origin, ask, decided, people, approval } = await bench();
    const id = await ask(threeLines);
    const heard = await decideAs(origin, id, { decision: "approve", line: lines, pin, note: " ok, as planned " });
    expect(heard).toMatchObject({ status: 303, headers: { location: `/a/${id}` } });
    const [decision] = decided;
    expect(decision).toMatchObject({
      decision: "approve",
      digests: [...lines].sort(),
      via: "page",
      by: "dana",
      wordOf: "server",
      note: "ok, as planned",
      decidedAt: start.toISOString(),
    });
    const signature = decision?.signature;
    const text = statementText({
      v: 1,
      desk: "acme",
      approval_id: id,
      decision: "approve",
      digests: lines,
      via: "page",
      by: "dana",
      note: "ok, as planned",
      decided_at: start.toISOString(),
      expires_at: (await approval(id)).expiresAt,
    });
    expect(signature?.kind === "key" && (await people.verify("dana", signature.keyId, text, signature.signature))).toBe(
      true,
    );
    const after = await new Visitor(origin).open(`/a/${id}`);
    expect(after.text).toContain("Approved: all 3 lines");
    expect(after.text).toContain("<q>ok, as planned</q>");
    expect(after.text).not.toContain("<form");
  });

  test("approves two of three lines, and says which", async () => {
    const { origin, ask, decided } = await bench();
    const id = await ask(threeLines);
    await decideAs(origin, id, { decision: "approve", line: lines.slice(0, 2), pin });
    expect(decided[0]?.digests).toEqual(lines.slice(0, 2).sort());
    const { text } = await new Visitor(origin).open(`/a/${id}`);
    expect(text).toContain("Approved: 2 of 3 lines");
    expect(text).toContain("57,222.18");
    expect(text.match(/<em>approved/g)).toHaveLength(2);
    expect(text.match(/<em>not approved/g)).toHaveLength(1);
  });

  test("rejects, whatever is ticked", async () => {
    const { origin, ask, decided } = await bench();
    const id = await ask(threeLines);
    await decideAs(origin, id, { decision: "reject", line: lines, pin });
    expect(decided[0]).toMatchObject({ decision: "reject", digests: [] });
    expect((await new Visitor(origin).open(`/a/${id}`)).text).toContain("Nothing was booked.");
  });

  test("counts once: sent again, it says so", async () => {
    const { origin, ask, decided } = await bench();
    const id = await ask([lineOf()]);
    const visitor = new Visitor(origin);
    const token = await visitor.token(`/a/${id}`);
    const fields = { token, person: "dana", decision: "approve", line: lineOf().digest, pin };
    expect((await visitor.form(`/a/${id}`, fields)).status).toBe(303);
    const again = await visitor.form(`/a/${id}`, fields);
    expect(again.status).toBe(409);
    expect(again.text).toContain("closed before");
    expect(decided).toHaveLength(1);
  });

  test.each([
    ["no line", { decision: "approve", pin }, 400, "No line is ticked"],
    ["a line of another approval", { decision: "approve", line: lineOf().digest, pin }, 400, "no longer those"],
    ["no decision", { line: lines, pin }, 400, "Choose approve or reject"],
    ["another word", { decision: "APPROVE", line: lines, pin }, 400, "Choose approve or reject"],
    ["nobody", { decision: "approve", line: lines, person: "", pin }, 400, "Choose who decides"],
    ["a stranger", { decision: "approve", line: lines, person: "mallory", pin }, 400, "Choose who decides"],
    ["a path as a name", { decision: "approve", line: lines, person: "../dana", pin }, 400, "Choose who decides"],
    ["no PIN", { decision: "approve", line: lines, pin: "" }, 400, "Type your PIN"],
    ["a wrong PIN", { decision: "approve", line: lines, pin: wrong }, 403, "not the PIN of dana"],
  ])("with %s nothing is decided, and what was typed stays, but the PIN", async (_what, fields, status, words) => {
    const { origin, ask, decided, approval } = await bench();
    const id = await ask(threeLines);
    const heard = await decideAs(origin, id, { note: 'a "note"', ...fields });
    expect(heard.status).toBe(status);
    expect(heard.text).toContain(words);
    expect(heard.text).toContain('value="a &quot;note&quot;"');
    expect(heard.text).not.toContain(pin);
    expect(heard.text).not.toContain(wrong);
    expect(decided).toEqual([]);
    expect((await approval(id)).status).toBe("pending");
  });

  test("after its time, or once void, it only says so", async () => {
    const { origin, ask, append, decided, later } = await bench();
    const [late, gone] = [await ask([lineOf()]), await ask([lineOf()])];
    const visitor = new Visitor(origin);
    const token = await visitor.token(`/a/${late}`);
    const fields = { person: "dana", decision: "approve", line: lineOf().digest, pin };
    await append(gone, { kind: "approval_voided", v: 1, why: "northbeam/qt-1 changed: unit_price" });
    expect((await visitor.open(`/a/${gone}`)).text).toContain("No longer open: northbeam/qt-1 changed");
    later(25 * 60);
    const heard = await visitor.form(`/a/${late}`, { token, ...fields });
    expect(heard.status).toBe(409);
    expect(heard.text).toContain("Expired");
    expect(decided).toEqual([]);
  });

  test("what the desk refuses is told in its words, and the approval stays open", async () => {
    const why = "This way of deciding does not count here: channels.page is not set. Nothing was booked.";
    const { origin, ask, approval } = await bench({ refusal: new BuyingError("outside_mandate", why, "ask_person") });
    const id = await ask([lineOf()]);
    const heard = await decideAs(origin, id, { decision: "approve", line: lineOf().digest, pin });
    expect(heard.status).toBe(409);
    expect(heard.text).toContain(why);
    expect((await approval(id)).status).toBe("pending");
  });

  test("nothing typed into the form reaches the log", async () => {
    const { origin, ask, logged } = await bench();
    const id = await ask([lineOf()]);
    await decideAs(origin, id, { decision: "approve", line: lineOf().digest, pin: wrong });
    await decideAs(origin, id, { decision: "approve", line: lineOf().digest, pin, note: "private words" });
    expect(logged.join()).toContain("decided on the approval page");
    for (const secret of [pin, wrong, "private words"]) expect(logged.join()).not.toContain(secret);
  });
});

describe("guessing PINs", () => {
  test("five wrong ones lock the person at every server of the desk; others go on, and it ends", async () => {
    const first = await bench({ people: ["dana", "lee"] });
    const second = await bench({ beside: first });
    const id = await first.ask(threeLines);
    const guess = (at: Bench, typed: string, person = "dana") =>
      decideAs(at.origin, id, { decision: "approve", line: lines, person, pin: typed });
    for (const at of [first, second, first, second, first]) expect((await guess(at, wrong)).status).toBe(403);
    for (const at of [first, second]) {
      const heard = await guess(at, pin);
      expect(heard.status).toBe(429);
      expect(heard.text).toContain("locked for 15 minutes");
    }
    expect(first.decided).toEqual([]);
    expect((await guess(second, pin, "lee")).status).toBe(303);
    const another = await first.ask([lineOf()]);
    first.later(16);
    const heard = await decideAs(first.origin, another, { decision: "approve", line: lineOf().digest, pin });
    expect(heard.status).toBe(303);
  });

  test("guesses sent at the same moment are not more than five", async () => {
    const { origin, ask, ledger } = await bench();
    const id = await ask(threeLines);
    const visitor = new Visitor(origin);
    const token = await visitor.token(`/a/${id}`);
    const fields = { token, person: "dana", decision: "approve", line: lines };
    const heard = await Promise.all(
      Array.from({ length: 9 }, (_, at) => visitor.form(`/a/${id}`, { ...fields, pin: `${wrong} ${at}` })),
    );
    const counts = (status: number) => heard.filter((one) => one.status === status).length;
    expect([counts(403), counts(429)]).toEqual([5, 4]);
    expect(await ledger.read("pin/acme/dana")).toHaveLength(5);
  });
});
