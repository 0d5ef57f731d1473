import * as z from "zod";
import type { CatalogueProduct } from "./catalogue.ts";
import { listPrice } from "./routes-catalogue.ts";
import type { Route, SellerRuntime } from "./runtime.ts";
import { fieldErrors, instantField, optional } from "./validate.ts";
import { answer, unprocessable, worded } from "./wire.ts";

/**
 * Avails in both dialects of the contract: the older one product at a time, OpenDirect 2.1 in a batch. The answer
 * follows the request. Static: bookings and flight dates change nothing.
 */

function ordered(flight: { readonly startdate: string; readonly enddate: string }): boolean {
  return Date.parse(flight.enddate) > Date.parse(flight.startdate);
}

const backwards = { message: "enddate must be after startdate" };

const olderRequest = z
  .object({
    productid: z.string(),
    startdate: instantField,
    enddate: instantField,
    requestedImpressions: optional(z.number().int().min(0)),
    budget: optional(z.number()),
    targeting: optional(z.record(z.string(), z.unknown())),
  })
  .refine(ordered, backwards);

const targetingEntry = z.object({ target: z.string(), targetvalues: z.array(z.string()) });

const openDirectRequest = z
  .object({
    productids: z.array(z.string()).min(1),
    accountid: z.string().max(36),
    advertiserbrandid: z.string().max(36),
    startdate: instantField,
    enddate: instantField,
    currency: optional(z.string().max(3)),
    producttargeting: optional(z.array(targetingEntry)),
  })
  .refine(ordered, backwards);

/** What is asked for: a volume, else what the budget buys at the list price, else the least that is sold. */
function wanted(product: CatalogueProduct, cpm: number, impressions: number | null, budget: number | null): number {
  if (impressions !== null) return impressions;
  return budget === null ? product.minimum : Math.trunc((budget / cpm) * 1000);
}

function free(product: CatalogueProduct, requested: number): number {
  return Math.min(requested, product.cap ?? requested);
}

function older(seller: SellerRuntime, request: z.output<typeof olderRequest>): object {
  const product = seller.product(request.productid);
  if (!product) throw worded(404, `Product '${request.productid}' not found`);
  const cpm = listPrice(product);
  const available = free(product, wanted(product, cpm, request.requestedImpressions, request.budget));
  const kinds = Object.keys({ ...product.content, ...product.audience });
  return {
    productid: product.id,
    availableImpressions: available,
    ...(product.deals.includes("PG") ? { guaranteedImpressions: available } : {}),
    estimatedCpm: cpm,
    totalCost: (available / 1000) * cpm,
    ...(kinds.length > 0 ? { availableTargeting: kinds } : {}),
  };
}

function numberUnder(request: z.output<typeof openDirectRequest>, target: string): number | null {
  const entry = request.producttargeting?.find((item) => item.target === target);
  const value = entry?.targetvalues[0];
  return value === undefined || Number.isNaN(Number(value)) ? null : Number(value);
}

function openDirect(seller: SellerRuntime, request: z.output<typeof openDirectRequest>): object {
  const missing = request.productids.filter((id) => !seller.product(id));
  if (missing.length > 0) throw worded(404, `Products not found: ${missing.join(", ")}`);
  const products = request.productids.flatMap((id) => seller.product(id) ?? []);
  const avails = products.map((product) => {
    const cpm = listPrice(product);
    const volume = numberUnder(request, "requestedimpressions");
    const requested = wanted(product, cpm, volume, numberUnder(request, "budget"));
    const available = free(product, requested);
    const whole = available >= requested ? "Available" : "Partially Available";
    const status = available > 0 || requested === 0 ? { status: whole } : { status: "Unavailable", reason: "Booked" };
    return {
      productid: product.id,
      accountid: request.accountid,
      availability: available,
      availsstatus: {
        ...status,
        producttargeting: [
          {
            name: "Inventory",
            type: "Audience",
            datasource: "iab-agentic-primitives",
            target: "impressions",
            targetvalues: [String(available)],
            selectable: false,
            count: available,
          },
        ],
      },
      currency: "USD",
      price: cpm,
      startdate: request.startdate,
      enddate: request.enddate,
    };
  });
  return { avails };
}

/** `POST /products/avails`, both dialects. */
export const availsRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/products/avails",
    operation: "avails",
    handle: ({ seller, body }) => {
      const batch = openDirectRequest.safeParse(body);
      if (batch.success) return answer(openDirect(seller, batch.data));
      const single = olderRequest.safeParse(body);
      if (single.success) return answer(older(seller, single.data));
      const branch = (name: string) => ["body", `function-after[_end_after_start(), ${name}]`];
      throw unprocessable([
        ...fieldErrors(openDirectRequest, body, branch("ProductAvailsSearch")),
        ...fieldErrors(olderRequest, body, branch("AvailsRequest")),
      ]);
    },
  },
];
