import type { AdcpCall } from "./call.ts";
import type { AdcpProduct } from "./profile.ts";

/** Whether a product passes the filters; they state all that is wanted, so that an empty answer is an answer. */
export function passes(product: AdcpProduct, filters: AdcpCall<"get_products">["args"]["filters"]): boolean {
  if (!filters) return true;
  const {
    delivery_type: delivery,
    is_fixed_price: fixed,
    channels,
    countries,
    pricing_currencies: currencies,
  } = filters;
  const { options } = product;
  const most = filters.budget_range?.max;
  if (delivery !== undefined && product.delivery !== delivery) return false;
  if (fixed !== undefined && !options.some((option) => (option.fixed !== undefined) === fixed)) return false;
  if (channels && !channels.some((channel) => product.channels.includes(channel))) return false;
  if (countries && !countries.some((country) => product.countries.includes(country))) return false;
  if (currencies && !options.some((option) => currencies.includes(option.currency))) return false;
  return most === undefined || options.some((option) => (option.minimum ?? 0) <= most);
}
