import * as z from "zod";
import { type Answer, answer } from "../wire.ts";
import type { OpenDirectCall, OpenDirectRoute } from "./call.ts";
import { idField, read } from "./fields.ts";
import { listed } from "./listing.ts";
import { type Json, missing, OpenDirectRefusal, wrong } from "./refusal.ts";
import { basePath, type OpenDirectRuntime } from "./runtime.ts";
import type { StoredAccount } from "./state.ts";

const accountFields = z.strictObject({
  advertiserid: idField,
  buyerid: idField,
  intermediaryid: idField.optional(),
  name: z.string().min(1).max(255),
});

const brandFields = z.strictObject({ name: z.string().min(1).max(255), organizationid: idField });

/** The account of that id. Throws a refusal with `status` when there is none. */
export function knownAccount(seller: OpenDirectRuntime, id: string, status = 404): StoredAccount {
  const account = seller.books.accounts[id];
  if (account) return account;
  throw status === 404 ? missing("account") : wrong("UnknownAccount", "There is no such account.");
}

function brandsOf(seller: OpenDirectRuntime): readonly Json[] {
  const known = seller.profile.brands.map(({ id, name, organizationId }) => {
    return { id, name, organizationid: organizationId };
  });
  return [...known, ...Object.values(seller.books.brands).map(({ id, asked }) => ({ id, ...asked }))];
}

/** Refuses (400) a brand that the seller does not know. */
export function knownBrand(seller: OpenDirectRuntime, id: string): void {
  if (brandsOf(seller).some((brand) => brand["id"] === id)) return;
  throw wrong("UnknownBrand", "There is no such advertiser brand.");
}

function knownOrganization(seller: OpenDirectRuntime, id: string, field: string): void {
  if (seller.profile.organizations.some((organization) => organization.id === id)) return;
  throw wrong("UnknownOrganization", `${field}: there is no such organization; they are set up with us off line.`);
}

function accountOnWire({ id, name, advertiserId, buyerId, status }: StoredAccount): Json {
  return { id, name, advertiserid: advertiserId, buyerid: buyerId, status };
}

/** A new thing: 200, as for everything in 2.1, and where it is. */
export function created(path: string, body: Json): Answer {
  return { status: 200, body, headers: { Location: basePath + path } };
}

function openAccount(call: OpenDirectCall): Answer {
  const { seller } = call;
  const { advertiserid, buyerid, name } = read(accountFields, call.body());
  knownOrganization(seller, advertiserid, "advertiserid");
  knownOrganization(seller, buyerid, "buyerid");
  const id = seller.newId();
  const status = seller.behaviour.accounts === "by-hand" ? "Pending" : "Approved";
  const account: StoredAccount = { id, name, advertiserId: advertiserid, buyerId: buyerid, status };
  seller.books.accounts[id] = account;
  seller.commit();
  return created(`/accounts/${id}`, accountOnWire(account));
}

function openBrand(call: OpenDirectCall): Answer {
  const { seller } = call;
  const asked = read(brandFields, call.body());
  knownOrganization(seller, asked.organizationid, "organizationid");
  const id = seller.newId();
  seller.books.brands[id] = { id, accountId: "", status: "Approved", asked };
  seller.commit();
  return created(`/advertiserbrands/${id}`, { id, ...asked });
}

function organizationsOf(seller: OpenDirectRuntime): readonly Json[] {
  return seller.profile.organizations.map(({ id, name, type }) => {
    return { id, name, organizationtype: type, status: "Approved" };
  });
}

function byId(items: readonly Json[], id: string | undefined, what: string): Answer {
  const found = items.find((item) => item["id"] === id);
  if (!found) throw missing(what);
  return answer(found);
}

export const accountRoutes: readonly OpenDirectRoute[] = [
  {
    methods: ["GET"],
    path: "/organizations",
    operation: "account-read",
    handle: (call) => listed(call, "organizations", organizationsOf(call.seller)),
  },
  {
    methods: ["POST"],
    path: "/organizations",
    operation: "account",
    handle: () => {
      throw new OpenDirectRefusal(405, []);
    },
  },
  {
    methods: ["GET"],
    path: "/organizations/{id}",
    operation: "account-read",
    handle: ({ seller, params }) => byId(organizationsOf(seller), params["id"], "organization"),
  },
  {
    methods: ["GET"],
    path: "/advertiserbrands",
    operation: "account-read",
    handle: (call) => listed(call, "advertiserbrands", brandsOf(call.seller)),
  },
  { methods: ["POST"], path: "/advertiserbrands", operation: "account", handle: openBrand },
  {
    methods: ["GET"],
    path: "/advertiserbrands/{id}",
    operation: "account-read",
    handle: ({ seller, params }) => byId(brandsOf(seller), params["id"], "advertiser brand"),
  },
  {
    methods: ["GET"],
    path: "/accounts",
    operation: "account-read",
    handle: (call) => listed(call, "accounts", Object.values(call.seller.books.accounts).map(accountOnWire)),
  },
  { methods: ["POST"], path: "/accounts", operation: "account", handle: openAccount },
  {
    methods: ["GET"],
    path: "/accounts/{account}",
    operation: "account-read",
    handle: ({ seller, params }) => answer(accountOnWire(knownAccount(seller, params["account"] ?? ""))),
  },
];
