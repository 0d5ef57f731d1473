import process from "node:process";
import { openSdkSeller } from "../adcp/sdk-seller.ts";

/** The seller that both are measured against, in a process of its own. */
const { origin } = await openSdkSeller({ carrier: "mcp" });
process.stderr.write(`listening on ${new URL(origin).port}\n`);
process.on("SIGTERM", () => process.exit());
