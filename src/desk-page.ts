import { decide } from "./buying/approve.ts";
import { inbox } from "./buying/overview.ts";
import { loadApproval } from "./buying/lines.ts";
import { spentToday, standing } from "./buying/mandate-facts.ts";
import type { Ports } from "./buying/ports.ts";
import { channelShortfall, type Mandate } from "./domain/mandate.ts";
import type { DeskFiles } from "./files.ts";
import type { PageDesk } from "./page/page-desk.ts";
import type { PeopleKeys } from "./people/keys.ts";
import { pinTries } from "./people/tries.ts";

/** A desk as the approval page knows it. Its decisions call no seller: whoever serves this desk notices and sends. */
export function pageDesk(ports: Ports, people: PeopleKeys, files: DeskFiles): PageDesk {
  const { name, sandbox, advertiser } = ports.settings;
  return {
    name,
    sandbox,
    advertiser,
    people,
    tries: pinTries(ports.ledger, name, ports.now),
    log: ports.log,
    now: ports.now,
    key: () => files.stateKey(),
    approval: async (approvalId) => (await loadApproval(ports, approvalId)).approval,
    pending: async () => (await inbox(ports)).approvals,
    spentToday: () => spentToday(ports),
    shortfall: async (approval, via, person) => {
      const now = await standing(ports);
      if (!now.mandate) return "this desk has no mandate";
      return channelShortfall(
        now.mandate,
        via,
        approval.lines.map(({ terms }) => terms),
        now,
        person,
      );
    },
    decide: async (approvalId, decision) => {
      await decide(ports, approvalId, { ...decision, principal: null }, false);
    },
  };
}

/** Whether the page is to be offered at all: one that no channel limit lets count would only mislead. */
export function offersPage(mandate: Mandate | null): boolean {
  if (!mandate) return false;
  return [mandate.channels, ...Object.values(mandate.roles)].some(
    ({ page, passkey }) => page !== undefined || passkey !== undefined,
  );
}
