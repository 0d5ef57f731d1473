import { adcp } from "./adcp.ts";
import { iabSellerAgent } from "./iab-seller-agent.ts";
import { openDirect } from "./opendirect.ts";
import type { Protocol } from "./protocol.ts";

/** Every protocol there is; a new one is one file and one line here. */
export const protocols: readonly Protocol[] = [iabSellerAgent, adcp, openDirect];
