import type * as z from "zod";
import { unreadable } from "./adcp-refusals.ts";
import type { Carrier, Envelope } from "./adcp-carrier.ts";
import { errorIn, errorInLook, failureOf, pollTasks } from "./adcp-errors.ts";
import type { Phase, SellerLog } from "./http.ts";
import { type Access, SellerFailure } from "./seller.ts";
import { capabilitiesAnswer } from "./wire/adcp.ts";

/** Editions of the protocol spoken here, newest first. */
export const versions = ["3.1", "3.0"] as const;
export type Version = (typeof versions)[number];

/** What a seller says it can do, and what follows from it for us. */
export interface Capabilities {
  readonly version: Version;
  /** Null where it promises no idempotency: a lost answer could book twice, so nothing is bought there. */
  readonly replaySeconds: number | null;
  /** Whether accounts are the seller's to give (`list_accounts`), or ours to declare (`sync_accounts`). */
  readonly givesAccounts: boolean;
  readonly said: z.output<typeof capabilitiesAnswer>;
}

/** Tasks of one AdCP seller, in the edition both speak, with its errors turned into failures and its answers checked. */
export interface Session {
  readonly sellerId: string;
  capabilities(access: Access): Promise<Capabilities>;
  /** Names the seller lists; of a task the arguments it allows, null where it takes any. */
  tasks(access: Access): ReturnType<Carrier["tasks"]>;
  /**
   * Runs a task that may be repeated, and reads its answer.
   * @param what what is asked for, for the sentence of a failure, e.g. "a quote"
   * @throws SellerFailure
   */
  read<Shape extends z.ZodType>(
    what: string,
    task: string,
    args: Readonly<Record<string, unknown>>,
    shape: Shape,
    access: Access,
    phase?: Phase,
  ): Promise<z.output<Shape>>;
  /** Sends frozen arguments once, as they are. @returns the envelope, where it is no error */
  send(what: string, task: string, args: string, access: Access): Promise<Envelope>;
  /** An instant of the seller's clock on ours; both UTC, ISO 8601. */
  onOurClock(instant: string): string;
  close(): Promise<void>;
}

const OTHER_EDITION = "no_common_edition";

/** Whether a seller has no `get_adcp_capabilities`: it is of before 3.0, or says nothing; it may be read all the same. */
export function namesNoCapabilities(error: unknown): boolean {
  return error instanceof SellerFailure && error.kind === "unsupported" && error.code !== OTHER_EDITION;
}

/** The edition to read a seller in that names none. @throws what the look for its capabilities did, if anything else */
function editionOfSilent(error: unknown): Version {
  if (namesNoCapabilities(error)) return "3.0";
  throw error;
}

const CAPABILITIES_MS = 10 * 60_000;

/** A session over a carrier that is chosen with the first task. */
export function createSession(sellerId: string, choose: (access: Access) => Promise<Carrier>, log: SellerLog): Session {
  let chosen: Promise<Carrier> | undefined;
  let known: { readonly at: number; readonly found: Promise<Capabilities> } | undefined;
  let listed: ReturnType<Carrier["tasks"]> | undefined;
  let aheadMs = 0;

  const carrier = (access: Access): Promise<Carrier> => {
    chosen ??= choose(access).catch((error: unknown) => {
      chosen = undefined;
      throw error;
    });
    return chosen;
  };

  async function run(task: string, args: string, phase: Phase, access: Access): Promise<Envelope> {
    const way = await carrier(access);
    const envelope = await way.call(task, args, phase, access);
    aheadMs = way.aheadMs();
    return envelope;
  }

  async function ask(access: Access): Promise<Capabilities> {
    const envelope = await run("get_adcp_capabilities", "{}", "discovery", access);
    const error = errorIn(envelope, "adcp" in envelope);
    if (error) throw failureOf(sellerId, "its capabilities", error);
    const read = capabilitiesAnswer.safeParse(envelope);
    if (!read.success) throw unreadable(sellerId, "get_adcp_capabilities", "its versions cannot be read");
    const { adcp, account } = read.data;
    const spoken = versions.find((version) => adcp.supported_versions.includes(version));
    if (!spoken && !adcp.major_versions.includes(3)) {
      const message = `${sellerId} speaks AdCP ${[...adcp.supported_versions, ...adcp.major_versions].join(", ") || "of no version it names"}; this release speaks ${versions.join(" and ")}.`;
      throw new SellerFailure(sellerId, "unsupported", message, { definite: true, code: OTHER_EDITION });
    }
    const { supported = null, replay_ttl_seconds: seconds = null } = adcp.idempotency ?? {};
    return {
      version: spoken ?? "3.0",
      replaySeconds: supported === false || seconds === null || seconds <= 0 ? null : Math.trunc(seconds),
      givesAccounts: account?.require_operator_auth === true,
      said: read.data,
    };
  }

  const capabilities = (access: Access): Promise<Capabilities> => {
    if (known && Date.now() - known.at < CAPABILITIES_MS) return known.found;
    const found = ask(access).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    known = { at: Date.now(), found };
    return found;
  };

  const tasks: Session["tasks"] = (access) => {
    listed ??= carrier(access)
      .then((way) => way.tasks(access))
      .catch((error: unknown) => {
        listed = undefined;
        throw error;
      });
    return listed;
  };

  return {
    sellerId,
    capabilities,
    tasks,
    async read(what, task, args, shape, access, phase = "media_kit") {
      const version = await capabilities(access).then((found) => found.version, editionOfSilent);
      const first = await run(task, JSON.stringify(versioned(args, version)), phase, access);
      const refused = errorIn(first, false);
      const envelope =
        refused?.code === "VERSION_UNSUPPORTED"
          ? await again(task, args, phase, access, version, refused.data ?? refused.details ?? {})
          : first;
      const find = pollTasks.includes(task) ? errorInLook : errorIn;
      const error = find(envelope, shape.safeParse(envelope).success);
      if (error) throw failureOf(sellerId, what, error);
      const result = shape.safeParse(envelope);
      if (result.success) return result.data;
      const path = result.error.issues[0]?.path.filter((key) => typeof key === "string").join(".") ?? "";
      throw unreadable(sellerId, task, `${path || "its shape"} cannot be read`);
    },
    async send(what, task, args, access) {
      const envelope = await run(task, args, "booking", access);
      const error = errorIn(
        envelope,
        ["media_buy_id", "task_id", "creatives", "status"].some((key) => key in envelope),
      );
      if (error) throw failureOf(sellerId, what, error);
      return envelope;
    },
    onOurClock: (instant) => new Date(Date.parse(instant) - aheadMs).toISOString(),
    async close() {
      await (await chosen)?.close();
    },
  };

  /** Once more in the other edition, for a seller that no longer speaks the one it said. */
  async function again(
    task: string,
    args: Readonly<Record<string, unknown>>,
    phase: Phase,
    access: Access,
    refused: Version,
    named: Readonly<Record<string, unknown>>,
  ): Promise<Envelope> {
    const offered = named["supported_versions"];
    const other =
      versions.find((one) => one !== refused && Array.isArray(offered) && offered.includes(one)) ??
      (refused === "3.1" ? "3.0" : "3.1");
    log.warn({ seller: sellerId, refused, other }, "the seller refuses the AdCP version it named");
    known = undefined;
    return run(task, JSON.stringify(versioned(args, other)), phase, access);
  }
}

/** Arguments with the edition they are in: sellers of 3.0 know no other than the major version. */
export function versioned(
  args: Readonly<Record<string, unknown>>,
  version: Version,
): Readonly<Record<string, unknown>> {
  return version === "3.1"
    ? { adcp_version: "3.1", adcp_major_version: 3, ...args }
    : { adcp_major_version: 3, ...args };
}
