import type { DeskSettings } from "./buying/ports.ts";
import type { Config } from "./config.ts";
import type { BuyerIdentity } from "./domain/identity.ts";
import { money } from "./domain/money.ts";

/** What the operator's config decides about a desk. @param command how this program is run on it in a terminal */
export function settingsOf(config: Config, command: string): DeskSettings {
  const { mandate } = config;
  const currency = mandate?.currency;
  const standard = currency
    ? { agency: money(25_000_000_000n, currency), advertiser: money(100_000_000_000n, currency) }
    : null;
  const bookingMs = config.timeouts.booking_s * 1000;
  return {
    name: config.desk,
    advertiser: config.advertiser,
    sandbox: config.sandbox,
    command,
    mandate: mandate ?? null,
    principals: config.http.principals,
    buyer: buyerOf(config),
    revealFrom: config.reveal_from ?? standard,
    approvalMinutes: config.approval.expires_after_minutes,
    settleAfterMs: config.booking.settle_after_s * 1000,
    holdBeforeApproval: config.booking.hold_before_approval,
    followEveryMs: config.booking.follow_every_s * 1000,
    // Half for the last look at the quote, half for the booking itself, and a margin for each: as long again, within reason.
    claimMs: 2 * (bookingMs + Math.min(5_000, Math.max(2_000, bookingMs))),
  };
}

function buyerOf({ buyer }: Config): BuyerIdentity {
  return {
    seatId: buyer.seat_id,
    seatName: buyer.seat_name,
    agencyId: buyer.agency_id,
    agencyName: buyer.agency_name,
    agencyHoldingCompany: buyer.agency_holding_company,
    advertiserId: buyer.advertiser_id,
    advertiserName: buyer.advertiser_name,
    advertiserIndustry: buyer.advertiser_industry,
  };
}
