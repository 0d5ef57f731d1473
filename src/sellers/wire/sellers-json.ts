import * as z from "zod";

/** What we read of a sellers.json (IAB Tech Lab, 1.0). Entries of other forms are nobody's. */
const entry = z.object({
  seller_id: z.union([z.string(), z.number()]).transform(String),
  domain: z.string().nullish().catch(null),
});

export const sellersFile = z.object({
  sellers: z.array(entry.nullable().catch(null)).transform((all) => all.filter((one) => one !== null)),
});

/** A node of `/api/v1/supply-chain` (OpenRTB SupplyChain object, with the domain it stands for). */
export const supplyNode = z.object({
  asi: z.string(),
  sid: z.union([z.string(), z.number()]).transform(String),
  domain: z.string().nullish().catch(null),
});
