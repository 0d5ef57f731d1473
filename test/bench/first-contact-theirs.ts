import { ADCPMultiAgentClient } from "@adcp/sdk";

/** The same first contact by the client of `@adcp/sdk`, as its README has it: it asks for capabilities by itself. */
export async function firstContact(url: string): Promise<number> {
  const agents = new ADCPMultiAgentClient([{ id: "seller", name: "Seller", agent_uri: url, protocol: "mcp" }]);
  const got = await agents.agent("seller").getProducts({ buying_mode: "brief", brief: "Premium video in spring" });
  return got.data?.products.length ?? 0;
}
