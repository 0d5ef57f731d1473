import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { bareServer } from "./bare.ts";

/** The SDK over stdio as its own examples serve it. */
serveStdio(bareServer);
