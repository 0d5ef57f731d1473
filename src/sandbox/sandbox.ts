import { randomBytes } from "node:crypto";
import { type AdcpProfile, adcpProfiles } from "./adcp/profile.ts";
import { AdcpRuntime } from "./adcp/runtime.ts";
import { AdcpServer } from "./adcp/server.ts";
import { type AdminAddress, openAdmin } from "./admin.ts";
import { type SellerProfile, sellerProfiles } from "./catalogue.ts";
import { SandboxControl, type SandboxServer } from "./control.ts";
import { credentialOf } from "./identity.ts";
import { bodyOf, type Loopback, openLoopback } from "./loopback.ts";
import { type OpenDirectProfile, openDirectProfiles } from "./opendirect/profile.ts";
import { OpenDirectRuntime } from "./opendirect/runtime.ts";
import { OpenDirectServer } from "./opendirect/server.ts";
import { RequestLog } from "./request-log.ts";
import { SellerRuntime, type SellerSettings } from "./runtime.ts";
import { IabServer } from "./seller.ts";
import { SandboxStore } from "./state.ts";

/** How to start a sandbox. Everything is optional; times in milliseconds. */
export interface SandboxOptions {
  /** Where the sellers' memory is kept over restarts; absent: in memory only. */
  readonly stateFile?: string;
  /** The IAB sellers to start, by id or as they are; absent: all three. */
  readonly sellers?: readonly (string | SellerProfile)[];
  /** The AdCP sellers to start: all (`true`), or by id; absent: none. */
  readonly adcp?: boolean | readonly string[];
  /** The OpenDirect sellers to start: all (`true`), or by id; absent: none. */
  readonly opendirect?: boolean | readonly string[];
  /** How long quotes stand (24 h). */
  readonly quoteTtlMs?: number;
  /** The pause between a seller's check and its write (5 ms). */
  readonly gapMs?: number;
  /** Well-behaved sellers that never book a repeated key twice (false). */
  readonly locked?: boolean;
  /** First of as many ports in a row, unless the state file remembers others; absent: any free ones. */
  readonly port?: number;
  /** The sellers' clock. */
  readonly now?: () => number;
  /** The admin token; absent: a random one. */
  readonly token?: string;
  /** Called on every request, to sellers and admin alike. */
  readonly onRequest?: () => void;
  /** Called when the admin endpoint is asked to end the sandbox. */
  readonly onStop?: () => void;
}

/** A running sandbox. */
export interface Sandbox extends SandboxControl {
  readonly admin: AdminAddress;
  /** Stops all servers; calls that hang are cut, commits still to come are not made. */
  close(): Promise<void>;
}

class RunningSandbox extends SandboxControl implements Sandbox {
  admin: AdminAddress = { url: "", token: "" };
  open: { close(): Promise<void> }[] = [];

  async close(): Promise<void> {
    await Promise.all(this.open.map((server) => server.close()));
  }
}

function chosen(wished: SandboxOptions["sellers"]): readonly SellerProfile[] {
  if (!wished) return sellerProfiles;
  return wished.map((id) => {
    if (typeof id !== "string") return id;
    const profile = sellerProfiles.find((seller) => seller.id === id);
    if (!profile) throw new Error(`no sandbox seller ${id}`);
    return profile;
  });
}

function chosenAdcp(wish: SandboxOptions["adcp"]): readonly AdcpProfile[] {
  if (!wish) return [];
  if (wish === true) return adcpProfiles;
  return wish.map((id) => {
    const profile = adcpProfiles.find((seller) => seller.id === id);
    if (!profile) throw new Error(`no sandbox seller ${id} that speaks AdCP`);
    return profile;
  });
}

function chosenOpenDirect(wish: SandboxOptions["opendirect"]): readonly OpenDirectProfile[] {
  if (!wish) return [];
  if (wish === true) return openDirectProfiles;
  return wish.map((id) => {
    const profile = openDirectProfiles.find((seller) => seller.id === id);
    if (!profile) throw new Error(`no sandbox seller ${id} that speaks OpenDirect`);
    return profile;
  });
}

/** Another origin for redirects to point to: it notes what it is sent and answers an empty object. */
async function openDecoy(wishedPort: number, log: RequestLog, now: () => number): Promise<Loopback> {
  return openLoopback(wishedPort, (request, response) => {
    bodyOf(request).then(
      (body) => {
        const { method = "GET", url: target = "/", headers, rawHeaders } = request;
        const credential = credentialOf(headers);
        log.add({ at: now(), method, target, operation: null, headers, rawHeaders, credential, body });
        response.writeHead(200, { "Content-Type": "application/json" });
        response.end("{}");
      },
      () => response.destroy(),
    );
  });
}

/**
 * Starts the sandbox sellers: real HTTP servers on 127.0.0.1 that speak the IAB seller agent contract, AdCP or OpenDirect, an
 * admin endpoint, and a decoy origin. With a state file a restart keeps quotes, negotiations, deals, orders, faults and,
 * while they are free, the ports.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const now = options.now ?? Date.now;
  const onRequest = options.onRequest ?? (() => undefined);
  const store = new SandboxStore(options.stateFile);
  const settings: SellerSettings = {
    quoteTtlMs: options.quoteTtlMs ?? 86_400_000,
    gapMs: options.gapMs ?? 5,
    locked: options.locked ?? false,
  };
  const decoyLog = new RequestLog("elsewhere");
  let decoyUrl = "";
  const servers = new Map<string, SandboxServer>();
  const sandbox = new RunningSandbox(servers, decoyLog, settings);
  let next = options.port ?? 0;
  const portFor = (name: string) => {
    const own = next;
    if (next > 0) next += 1;
    return store.portOf(name) || own;
  };
  try {
    const elsewhere = () => decoyUrl;
    const sellers = [
      ...chosen(options.sellers).map(
        (profile) => new IabServer(new SellerRuntime(profile, store, settings, now), elsewhere, onRequest),
      ),
      ...chosenAdcp(options.adcp).map(
        (profile) => new AdcpServer(new AdcpRuntime(profile, store, settings, now), elsewhere, onRequest),
      ),
      ...chosenOpenDirect(options.opendirect).map(
        (profile) => new OpenDirectServer(new OpenDirectRuntime(profile, store, now), elsewhere, onRequest),
      ),
    ];
    for (const server of sellers) {
      const { id } = server.runtime.profile;
      store.rememberPort(id, await server.open(portFor(id)));
      servers.set(id, server);
      sandbox.open.push(server);
    }
    const token = options.token ?? randomBytes(24).toString("base64url");
    const onStop = options.onStop ?? (() => undefined);
    const admin = await openAdmin(portFor("admin"), { control: sandbox, token, onRequest, onStop });
    sandbox.open.push(admin);
    sandbox.admin = { url: admin.url, token };
    store.rememberPort("admin", admin.port);
    const decoy = await openDecoy(portFor("elsewhere"), decoyLog, now);
    sandbox.open.push(decoy);
    decoyUrl = decoy.url;
    store.rememberPort("elsewhere", decoy.port);
    store.save();
    return sandbox;
  } catch (error) {
    await sandbox.close();
    throw error;
  }
}
