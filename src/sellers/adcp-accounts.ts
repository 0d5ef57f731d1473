import { randomUUID } from "node:crypto";
import { accountScopes, type QuoteAccount } from "../domain/quote.ts";
import type { SellerWait } from "../domain/deal.ts";
import { instantIn } from "./adcp-products.ts";
import type { Session } from "./adcp-session.ts";
import type { BuyingAccount } from "./records.ts";
import { type Access, SellerFailure } from "./seller.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import { accountsAnswer, type WireAccount } from "./wire/adcp.ts";

/** An account at a seller, as it goes on the wire and as a person reads it. */
export interface Account {
  /** `{account_id}`, or `{brand, operator}`. */
  readonly reference: Readonly<Record<string, unknown>>;
  readonly brand: Readonly<Record<string, unknown>>;
  readonly words: QuoteAccount;
  /** What the seller still waits for; null = it is open. */
  readonly wait: SellerWait | null;
  /** What our asking for it did to it, our sentence, as long as it is fresh; null where it changed nothing. */
  readonly news: string | null;
}

/** The account of this desk at one seller. */
export interface Accounts {
  /** @throws SellerFailure where the seller refuses it, closed it, or gives none */
  current(access: Access): Promise<Account>;
}

/** How long an open account is believed to be open; one that is not is looked at each time. */
const OPEN_MS = 5 * 60_000;
const open = ["active", "approved"];
/** A person at the seller, or ours, has to do something first. */
const pending = ["pending_approval", "pending"];

/**
 * The desk's account at a seller (AdCP 3.0 and 3.1, accounts): declared by us with `sync_accounts`, or found among those
 * the seller gives with `list_accounts`. Declaring it again changes nothing, so it is done whenever its state is needed.
 */
export function createAccounts(session: Session, account: BuyingAccount | null): Accounts {
  const { sellerId } = session;
  let known: { readonly at: number; readonly account: Account } | undefined;

  async function declared(own: BuyingAccount, access: Access): Promise<WireAccount | undefined> {
    const entry = {
      brand: brandOf(own),
      operator: own.operator,
      billing: own.billing,
      ...(own.paymentTerms === null ? {} : { payment_terms: own.paymentTerms }),
    };
    const args = { idempotency_key: randomUUID(), accounts: [entry] };
    const { accounts } = await session.read("an account", "sync_accounts", args, accountsAnswer, access);
    return accounts.find((one) => isOurs(one, own)) ?? accounts[0];
  }

  async function given(own: BuyingAccount, access: Access): Promise<WireAccount | undefined> {
    const { accounts } = await session.read("its accounts", "list_accounts", {}, accountsAnswer, access);
    if (own.accountId !== null) return accounts.find(({ account_id: id }) => id === own.accountId);
    const ours = accounts.filter((one) => isOurs(one, own));
    if (ours.length > 1) throw refused(`it gives ${ours.length} accounts for this brand; name one as account_id`, null);
    return ours[0] ?? (accounts.length === 1 ? accounts[0] : undefined);
  }

  function refused(why: string, said: string | null): SellerFailure {
    const details = { definite: true, code: "account", sellerSaid: said };
    return new SellerFailure(sellerId, "forbidden", `${sellerId} cannot be bought from: ${why}.`, details);
  }

  async function ask(access: Access): Promise<Account> {
    if (!account) {
      const message = `${sellerId} sells to accounts, and this desk's settings hold none (adcp.account).`;
      throw new SellerFailure(sellerId, "unauthorized", message, { definite: true });
    }
    const { givesAccounts } = await session.capabilities(access);
    const found = await (givesAccounts ? given(account, access) : declared(account, access));
    if (!found) throw refused("it has no account of this desk", null);
    const { status, action, setup, errors } = found;
    const said = sellerText([setup?.message, errors[0]?.message].filter((one) => one).join(" "), 300);
    // Whatever state it is said to be in: what could not be registered is nothing to buy on.
    if (action === "failed") throw refused(`it did not register the account${inState(status)}`, said || null);
    const state = status ?? "active";
    if (!open.includes(state) && !pending.includes(state)) {
      throw refused(`the account is “${sellerText(state, 40)}” there`, said || null);
    }
    const id = checkedId(found.account_id);
    if (givesAccounts && id === null) throw refused("its account has no usable id", null);
    const terms = found.payment_terms ?? account.paymentTerms;
    return {
      reference: givesAccounts ? { account_id: id } : { brand: brandOf(account), operator: account.operator },
      brand: brandOf(account),
      words: {
        name: `${account.brand}${account.operator === account.brand ? "" : `, operated by ${account.operator}`}, billed to ${account.billing}`,
        paymentTerms: terms === null ? null : sellerText(terms, 40),
        id,
        scope: accountScopes.find((scope) => scope === found.account_scope) ?? null,
      },
      wait: open.includes(state) ? null : waitFor(setup, said),
      news:
        action === "created"
          ? "the account is new there"
          : action === "updated"
            ? "the account was changed there to what this desk declares"
            : null,
    };
  }

  return {
    async current(access) {
      if (known && Date.now() - known.at < OPEN_MS) return known.account;
      const found = await ask(access);
      known = found.wait ? undefined : { at: Date.now(), account: found };
      return found;
    },
  };
}

function inState(status: string | null): string {
  return status === null ? "" : ` (“${sellerText(status, 40)}” there)`;
}

function waitFor(setup: WireAccount["setup"], said: string): SellerWait {
  const url = httpsOnly(setup?.url);
  return {
    for: "account",
    taskId: null,
    mediaBuyId: null,
    url,
    sellerSaid: said,
    expectedBy: instantIn(setup?.expires_at),
  };
}

/** An address for a person, or null: nothing but https is shown, and nothing is ever opened by us. */
export function httpsOnly(address: string | null | undefined): string | null {
  if (!address || address.length > 500 || !URL.canParse(address)) return null;
  const url = new URL(address);
  // A sandbox's own pages are on this machine, and shown there only.
  const isHere = url.protocol === "http:" && ["127.0.0.1", "localhost"].includes(url.hostname);
  const isPlain = url.username === "" && url.password === "" && /^[\x21-\x7e]+$/.test(url.href);
  return isPlain && (url.protocol === "https:" || isHere) ? url.href : null;
}

function brandOf({ brand, brandId }: BuyingAccount): Readonly<Record<string, unknown>> {
  return { domain: brand, ...(brandId === null ? {} : { brand_id: brandId }) };
}

function isOurs({ brand, operator }: WireAccount, own: BuyingAccount): boolean {
  return brand?.domain === own.brand && (operator === null || operator === own.operator);
}
