import type { QuoteAccount } from "../domain/quote.ts";
import type { SellerWait } from "../domain/deal.ts";
import { word } from "./opendirect-dialect.ts";
import { notHere, refusalOf } from "./opendirect-errors.ts";
import type { Session } from "./opendirect-session.ts";
import type { OpenDirectBuyer } from "./records.ts";
import { type Access, SellerFailure } from "./seller.ts";
import { sellerId as checkedId, sellerText } from "./untrusted.ts";
import { accountShape, brandShape, type WireAccount } from "./wire/opendirect.ts";

/** The account at one seller under which is bought. */
export interface Account {
  readonly id: string;
  readonly brandId: string | null;
  readonly words: QuoteAccount;
  /** What the seller still waits for; null = it is open. */
  readonly wait: SellerWait | null;
}

export interface Accounts {
  /** Finds it, and opens one where the settings say for whom. @throws SellerFailure where there is none to buy under */
  current(access: Access): Promise<Account>;
}

/** How long an open account is believed to be open; one that is not is looked at each time. */
const OPEN_MS = 5 * 60_000;

/** @see Accounts */
export function createAccounts(session: Session, ids: OpenDirectBuyer | undefined): Accounts {
  const { sellerId } = session;
  const { accountId = null, advertiserId = null, buyerId = null } = ids ?? {};
  let known: { readonly at: number; readonly account: Account } | undefined;
  let brandId = ids?.brandId;

  const refused = (why: string) =>
    new SellerFailure(sellerId, "forbidden", `${sellerId} cannot be bought from: ${why}.`, {
      definite: true,
      code: "account",
    });

  const isOurs = (one: WireAccount): boolean => {
    if (accountId !== null) return one.id === accountId;
    const by = (wished: string | null, has: string | null) => wished === null || wished === has;
    return by(advertiserId, one.advertiserid) && by(buyerId, one.buyerid);
  };

  /** Filters of lists are free to be ignored, so what comes is filtered again. */
  async function listed(access: Access): Promise<readonly WireAccount[]> {
    if (accountId !== null)
      return [await session.get("its account", accountShape, session.path("accounts", accountId), access)];
    const query = new URLSearchParams({
      ...(advertiserId === null ? {} : { advertiserid: advertiserId }),
      ...(buyerId === null ? {} : { buyerid: buyerId }),
    }).toString();
    const at = `${session.path("accounts")}${query === "" ? "" : `?${query}`}`;
    const { entries } = await session.list("accounts", accountShape, at, access);
    return entries;
  }

  /** An answer that is lost does no harm: the next look lists before it opens another. */
  async function opened(access: Access): Promise<WireAccount | undefined> {
    if (advertiserId === null || buyerId === null) return undefined;
    const body = session.body({ advertiserid: advertiserId, buyerid: buyerId, name: `Account of ${advertiserId}` });
    const call = { method: "POST", path: session.path("accounts"), body, phase: "media_kit" } as const;
    const refusal = refusalOf(sellerId, "an account", await session.send(call, access));
    if (refusal) throw refusal;
    return (await listed(access)).find(isOurs);
  }

  /** Where a seller has one brand for us, that one; many have no such list (it is optional in 2.1). */
  async function brand(access: Access): Promise<string | null> {
    if (brandId !== undefined && brandId !== null) return brandId;
    try {
      const { entries } = await session.list("advertiserbrands", brandShape, session.path("advertiserbrands"), access);
      brandId = entries.length === 1 ? (entries[0]?.id ?? null) : null;
      return brandId;
    } catch (error) {
      if (error instanceof SellerFailure && (error.status === 404 || error.kind === "unsupported")) return null;
      throw error;
    }
  }

  async function ask(access: Access): Promise<Account> {
    const ours = (await listed(access)).filter(isOurs);
    if (ours.length > 1)
      throw refused(`it gives ${ours.length} accounts; name one as opendirect.account_id of the seller in the config`);
    const found = ours[0] ?? (await opened(access));
    if (!found) {
      const why = `${sellerId} sells to accounts and has none of this desk; the config says which, or for whom to open one (sellers.${sellerId}.opendirect: account_id, or advertiser_id and buyer_id).`;
      throw notHere(sellerId, why, "unauthorized");
    }
    const id = checkedId(found.id);
    if (id === null) throw refused("its account has no usable id");
    const status = word(found.status);
    if (!["", "approved", "limited", "pending"].includes(status))
      throw refused(`the account is “${sellerText(found.status, 40)}” there`);
    const name = sellerText(found.name, 60);
    return {
      id,
      brandId: await brand(access),
      words: { name: `account ${id}${name === "" ? "" : ` (${name})`}`, paymentTerms: null },
      // Under one that is pending drafts are taken, and bookings are not spoken of (OpenDirect 2.1, Account).
      wait: status === "pending" ? waitFor(id) : null,
    };
  }

  return {
    async current(access) {
      if (known && Date.now() - known.at < OPEN_MS) return known.account;
      const account = await ask(access);
      known = account.wait ? undefined : { at: Date.now(), account };
      return account;
    },
  };
}

function waitFor(accountId: string): SellerWait {
  return {
    for: "account",
    taskId: accountId,
    mediaBuyId: null,
    url: null,
    sellerSaid: "",
    expectedBy: null,
  };
}
