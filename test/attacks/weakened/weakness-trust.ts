import type { Weakness } from "./weakness.ts";

const trust = "test/e2e/registry-trust.test.ts";
const discovery = "test/e2e/registry-discovery.test.ts";
const takenBack = "trust that is taken back, by aamp";
const whose = "whose word counts";

/** Each takes away one thing that trust in sellers of registries rests on. */
export const distrusts: readonly Weakness[] = [
  {
    name: "sends without asking the registries again",
    edits: [{ file: "src/buying/send.ts", take: "await verifySellers(ports, [line.quote.sellerId]);", give: "" }],
    caughtBy: [
      {
        file: trust,
        name: `${takenBack} between approval and sending: what was approved is not sent, and its money is given back`,
        says: /expected 'booked: .* to match/s,
      },
    ],
  },
  {
    name: "lets a registry vouch for a seller that another blocks",
    edits: [
      {
        file: "src/domain/trust.ts",
        take: 'if (blocking) return { trust: "blocked", by: saidBy(blocking) };',
        give: "void blocking;",
      },
    ],
    caughtBy: [
      {
        file: trust,
        name: `${whose} one that blocks is enough, also for a seller of the config`,
        says: /to match object/,
      },
    ],
  },
  {
    name: "takes what is remembered for as good as what is said",
    edits: [
      { file: "src/domain/trust.ts", take: "(fresh.length > 0 ? fresh : vouching)", give: "[...fresh, ...vouching]" },
    ],
    caughtBy: [
      {
        file: trust,
        name: `${whose} what is only remembered raises nobody: of those that answer the best counts`,
        says: /to match object/,
      },
    ],
  },
  {
    name: "lets a registry raise what the operator said",
    edits: [{ file: "src/domain/trust.ts", take: "if (own) return own;", give: "" }],
    caughtBy: [
      {
        file: trust,
        name: `${whose} the operator's trust is not raised, and whom the operator blocks stays blocked`,
        says: /to match object/,
      },
    ],
  },
  {
    name: "believes who is listed under another's domain",
    edits: [
      {
        file: "src/sellers/registry-records.ts",
        take: "notBelieved === null || record.blocked ? told",
        give: "notBelieved !== undefined ? told",
      },
    ],
    caughtBy: [
      {
        file: discovery,
        name: "sellers of a registry that look like the operator's own by the domain it is listed under: nobody's word for it is believed, and it is not called",
        says: /to match object/,
      },
    ],
  },
];
