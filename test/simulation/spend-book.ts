import type { DecisionChannel, Holding } from "../../src/domain/spend.ts";
import type { Row } from "../../src/ledger/ledger.ts";
import { mandate } from "./process.ts";
import type { Law } from "./witness.ts";

interface Breach {
  readonly law: Law;
  readonly what: string;
}

/** The witness's own books of spend: kept from the events alone, and compared with the balances every row carries. */
export class SpendBook {
  /** Micros held, by line and attempt. */
  readonly held = new Map<string, bigint>();
  /** Micros a seller booked beyond what was approved, by line. */
  readonly over = new Map<string, bigint>();
  readonly incidents = new Set<string>();
  readonly #approvedOn = new Map<string, bigint>();
  readonly #committedOn = new Map<string, bigint>();

  get total(): bigint {
    return [...this.held.values(), ...this.over.values()].reduce((sum, micros) => sum + micros, 0n);
  }

  /** Takes the events of one append into the books. @returns what they break */
  breaches(rows: readonly Row[]): readonly Breach[] {
    const breaches: Breach[] = [];
    const row = rows.find(({ kind }) => kind === "spend");
    if (!row) return breaches;
    const stoppedBefore = [...this.incidents];
    const reserved: Holding[] = [];
    for (const entry of row.entries) {
      if (entry.kind === "reserved") {
        reserved.push(entry.holding);
        const key = keyOf(entry.holding);
        if (this.held.has(key)) breaches.push({ law: "balances are the sum", what: `${key} is reserved twice` });
        this.held.set(key, entry.holding.amount.micros);
        this.#move(entry.holding, entry.holding.amount.micros, true);
      } else if (entry.kind === "released") {
        const key = keyOf(entry.holding);
        const held = this.held.get(key);
        const more = this.over.get(entry.holding.ref) ?? 0n;
        const back = entry.holding.amount.micros;
        // What comes back is what is held, and with a cancelled deal also what it cost beyond that.
        if (held === undefined || (back !== held && back !== held + more))
          breaches.push({
            law: "balances are the sum",
            what: `${key} gives back ${back}, and holds ${held} and ${more} more`,
          });
        else {
          this.held.delete(key);
          if (back > held) this.over.delete(entry.holding.ref);
          this.#move(entry.holding, -held, true);
          this.#move(entry.holding, held - back, false);
        }
      } else if (entry.kind === "overspent") {
        this.incidents.add(entry.holding.ref);
        this.over.set(entry.holding.ref, (this.over.get(entry.holding.ref) ?? 0n) + entry.by.micros);
        this.#move(entry.holding, entry.by.micros, false);
      } else if (entry.kind === "incident_cleared") this.incidents.delete(entry.ref);
    }
    breaches.push(...this.#overMandate(reserved));
    if (reserved.length > 0 && stoppedBefore.length > 0)
      breaches.push({
        law: "an incident stops approvals",
        what: `reserved while ${stoppedBefore.join(", ")} was open`,
      });
    const carried = row.entries.find((entry) => entry.kind === "balances");
    if (carried?.kind === "balances") breaches.push(...this.#unlike(carried.balances));
    return breaches;
  }

  #overMandate(reserved: readonly Holding[]): readonly Breach[] {
    const [first] = reserved;
    if (!first) return [];
    const law = "approved stays within the mandate";
    const breaches: Breach[] = [];
    const check = (what: string, micros: bigint, limit: bigint | undefined) => {
      if (limit === undefined || micros > limit)
        breaches.push({ law, what: `${what}: ${micros} of ${limit ?? "nothing"}` });
    };
    const buy = reserved.reduce((sum, { amount }) => sum + amount.micros, 0n);
    const limits = mandate.channels[first.via];
    check("per buy", buy, mandate.perBuy.micros);
    check(`per buy by ${first.via}`, buy, limits?.perBuy.micros);
    for (const { day, via, amount } of reserved) {
      check(`on ${day}`, this.#approvedOn.get(day) ?? 0n, mandate.perDay.micros);
      check(`on ${day} by ${via}`, this.#approvedOn.get(`${day} ${via}`) ?? 0n, mandate.channels[via]?.perDay.micros);
      if (via !== first.via || amount.currency !== mandate.currency) breaches.push({ law, what: "one buy, two ways" });
    }
    return breaches;
  }

  #unlike(balances: {
    readonly total: { readonly micros: bigint };
    readonly perDay: Readonly<Record<string, { readonly micros: bigint }>>;
    readonly perDayAndVia: Readonly<Record<string, { readonly micros: bigint }>>;
    readonly incidents: readonly string[];
  }): readonly Breach[] {
    const law = "balances are the sum";
    const breaches: Breach[] = [];
    const check = (what: string, said: unknown, is: unknown) => {
      if (said !== is) breaches.push({ law, what: `${what} says ${said}, and is ${is}` });
    };
    check("the total", balances.total.micros, this.total);
    for (const [day, amount] of Object.entries({ ...balances.perDay, ...balances.perDayAndVia }))
      check(day, amount.micros, this.#committedOn.get(day) ?? 0n);
    check("incidents", [...new Set(balances.incidents)].sort().join(), [...this.incidents].sort().join());
    return breaches;
  }

  #move(holding: Holding, micros: bigint, isApproved: boolean): void {
    const keys: readonly (string | `${string} ${DecisionChannel}`)[] = [holding.day, `${holding.day} ${holding.via}`];
    for (const key of keys) {
      this.#committedOn.set(key, (this.#committedOn.get(key) ?? 0n) + micros);
      if (isApproved) this.#approvedOn.set(key, (this.#approvedOn.get(key) ?? 0n) + micros);
    }
  }
}

export function keyOf({ ref, attempt }: Holding): string {
  return `${ref}#${attempt}`;
}
