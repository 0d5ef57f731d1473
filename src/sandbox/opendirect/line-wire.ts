import { isoTime } from "./fields.ts";
import { costOf, decimal } from "./money.ts";
import type { OpenDirectProduct } from "./profile.ts";
import type { Json } from "./refusal.ts";
import type { OpenDirectRuntime } from "./runtime.ts";
import type { StoredLine } from "./state.ts";

/** The product a line buys; lines are only ever drafted on products there are. */
export function term(seller: OpenDirectRuntime, line: Pick<StoredLine, "productId">): OpenDirectProduct {
  const product = seller.product(line.productId);
  if (!product) throw new Error(`no product ${line.productId}`);
  return product;
}

/** A line on the wire: OpenDirect 2.1, Line. */
export function lineOnWire(seller: OpenDirectRuntime, line: StoredLine): Json {
  const product = term(seller, line);
  const { reason, reservedUntil } = line;
  const { statusWords, omits } = seller.behaviour;
  const whole = {
    ...line.asked,
    id: line.id,
    orderid: line.orderId,
    productid: line.productId,
    name: line.name,
    bookingstatus: statusWords[line.status] ?? line.status,
    ...(reason === null ? {} : { statechangereason: reason }),
    startdate: isoTime(line.startAt),
    enddate: isoTime(line.endAt),
    ratetype: product.rateType,
    rate: decimal(line.rateMicros),
    qty: line.qty,
    cost: decimal(costOf(product, line.qty, line.rateMicros)),
    ...(reservedUntil === null ? {} : { reservedexpirydate: isoTime(reservedUntil) }),
  };
  return Object.fromEntries(Object.entries(whole).filter(([name]) => !omits.includes(name)));
}
