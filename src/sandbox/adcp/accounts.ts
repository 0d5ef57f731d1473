import { createHash } from "node:crypto";
import type { AdcpCall } from "./call.ts";
import { page } from "./page.ts";
import { refusal } from "./refusal.ts";
import type { AdcpRuntime } from "./runtime.ts";
import type { Json, StoredAccount } from "./state.ts";

/** Accounts: AdCP 3.1, sync_accounts and list_accounts. An account is one brand with one operator. */

type AccountRef = NonNullable<AdcpCall<"get_products">["args"]["account"]>;

function idOf(seller: AdcpRuntime, brandDomain: string, operator: string): string {
  const digest = createHash("sha256").update(`${seller.profile.id}|${brandDomain}|${operator}`).digest("hex");
  return `acct_${digest.slice(0, 12)}`;
}

/** The id an account reference means, known or not. */
export function accountIdOf(seller: AdcpRuntime, ref: AccountRef): string {
  return "account_id" in ref ? ref.account_id : idOf(seller, ref.brand.domain, ref.operator);
}

function setupOf(seller: AdcpRuntime, account: StoredAccount): Json {
  return {
    url: `${seller.url}/desk/${account.id}`,
    message: `Sign the trading terms of ${seller.profile.name} for ${account.name}.`,
  };
}

/** An account as the wire has it; `setup` while it waits. */
export function accountOnWire(seller: AdcpRuntime, account: StoredAccount): Json {
  return {
    account_id: account.id,
    name: account.name,
    status: account.status,
    brand: account.brand,
    operator: account.operator,
    billing: account.billing,
    payment_terms: account.paymentTerms,
    account_scope: "operator_brand",
    ...(account.status === "pending_approval" ? { setup: setupOf(seller, account) } : {}),
  };
}

/**
 * The account a task is for, ready to buy.
 *
 * @throws AdcpRefusal ACCOUNT_NOT_FOUND, ACCOUNT_SETUP_REQUIRED (with `details.setup`), ACCOUNT_SUSPENDED
 */
export function activeAccount(seller: AdcpRuntime, ref: AccountRef): StoredAccount {
  const account = seller.books.accounts[accountIdOf(seller, ref)];
  if (!account) {
    const suggestion = "Register the brand and operator with sync_accounts first.";
    throw refusal("ACCOUNT_NOT_FOUND", "There is no such account.", "terminal", { field: "account", suggestion });
  }
  if (account.status === "pending_approval") {
    const details = { setup: setupOf(seller, account) };
    throw refusal("ACCOUNT_SETUP_REQUIRED", "The account waits for its terms to be signed.", "correctable", {
      details,
    });
  }
  if (account.status === "rejected") {
    throw refusal("ACCOUNT_SUSPENDED", "The account was turned down.", "terminal");
  }
  return account;
}

/** sync_accounts: each entry stands by itself; one that fails does not fail the others. */
export function syncAccounts({ seller, args }: AdcpCall<"sync_accounts">): Json {
  const accounts = args.accounts.map((wished) => {
    const { brand, operator, billing } = wished;
    const id = idOf(seller, brand.domain, operator);
    const named = { brand, operator };
    const known = seller.books.accounts[id];
    if (!seller.profile.billing.includes(billing)) {
      const message = `We bill ${seller.profile.billing.join(" or ")}, not the ${billing}.`;
      const error = { code: "BILLING_NOT_SUPPORTED", message, recovery: "correctable" };
      // What is there already stays as it is.
      return { ...named, action: "failed", status: known?.status ?? "rejected", errors: [error] };
    }
    const [usualTerms = "net_30"] = seller.profile.paymentTerms;
    const wishedTerms = wished.payment_terms ?? usualTerms;
    const account: StoredAccount = {
      id,
      name: `${brand.domain} c/o ${operator}`,
      brand: { domain: brand.domain },
      operator,
      billing,
      // Other terms than ours are not refused: the answer says which ones hold.
      paymentTerms: seller.profile.paymentTerms.includes(wishedTerms) ? wishedTerms : usualTerms,
      status: known?.status ?? (seller.is("accounts-pending") ? "pending_approval" : "active"),
    };
    const same = known !== undefined && JSON.stringify(known) === JSON.stringify(account);
    if (!args.dry_run) seller.books.accounts[id] = account;
    const action = known === undefined ? "created" : same ? "unchanged" : "updated";
    return { ...accountOnWire(seller, account), action };
  });
  return { accounts, ...(args.dry_run ? { dry_run: true } : {}), message: `${accounts.length} account(s).` };
}

/** list_accounts. */
export function listAccounts({ seller, args }: AdcpCall<"list_accounts">): Json {
  const wanted = Object.values(seller.books.accounts).filter(
    (account) => args.status === undefined || account.status === args.status,
  );
  const { items, pagination } = page(wanted, args.pagination);
  return { accounts: items.map((account) => accountOnWire(seller, account)), pagination };
}
