import { distinct } from "./iab-words.ts";
import type { Catalogue } from "./opendirect-catalogue.ts";
import { mockWords } from "./opendirect-quotes.ts";
import type { Session } from "./opendirect-session.ts";
import type { Access, SellerCard } from "./seller.ts";
import { sellerText } from "./untrusted.ts";
import { cardShape } from "./wire/opendirect.ts";
import { folded } from "./opendirect-dialect.ts";

const casingWords = { lower: "lower case", camel: "camel case", pascal: "Pascal case" } as const;

/**
 * What a seller is: its optional card below its base, or at its root, for the name; its products for all else. A card proves
 * nothing, and the address in it is never followed.
 */
export async function readCard(
  session: Session,
  catalogue: Catalogue,
  isMock: () => boolean,
  access: Access,
): Promise<SellerCard> {
  const [said, { products }] = await Promise.all([
    cardOf(session, access),
    catalogue.list({ query: null, brief: null, limit: 1_000 }, access),
  ]);
  return {
    name: sellerText(said?.name, 80) || session.sellerId,
    version: sellerText(said?.version, 40) || "OpenDirect 2.1",
    compatibility: isMock()
      ? { ok: false, note: mockWords(session.sellerId) }
      : {
          ok: true,
          note: `OpenDirect 2.1, in ${casingWords[session.casing()]}${said ? "" : "; it has no card"}. Bought as lines of an order, reserved first.`,
        },
    channels: distinct(products.flatMap(({ channel }) => channel ?? [])),
    dealTypes: distinct(products.flatMap(({ dealTypes }) => dealTypes)),
    capabilities: ["media_kit", "quote", "book", "order", "cancel", "update", "creatives", "performance"],
    url: null,
  };
}

async function cardOf(session: Session, access: Access) {
  const well = "/.well-known/agent.json";
  for (const path of new Set([`${session.base}${well}`, well])) {
    const { status, json } = await session.send({ method: "GET", path, phase: "discovery" }, access);
    const card = status === 200 ? cardShape.safeParse(folded(json)).data : undefined;
    if (card) return card;
  }
  return null;
}
