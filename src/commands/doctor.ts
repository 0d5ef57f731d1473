import type { Desk } from "../desk.ts";
import type { ChannelLimits, Mandate } from "../domain/mandate.ts";
import { displayMoney, type Money } from "../domain/money.ts";
import { policyDigest } from "../domain/policy.ts";
import { spentOn } from "../domain/spend.ts";
import type { Terminal } from "./terminal.ts";

/** What clients could show a person when this release was made; each call is decided by what its own client declares. */
const clients: readonly (readonly [string, string])[] = [
  ["Claude Code (terminal)", "form"],
  ["VS Code, Cursor", "form, and the approval card in the chat"],
  ["Claude Desktop", "approval card in the chat, which leads to the page; no form known"],
  ["Claude Code in print mode or its VS Code extension", "declares forms and declines them unseen: page or terminal"],
  ["MCP Inspector", "web interface and mcpdo: form; --cli: page or terminal"],
];

/** `media-buyer-mcp doctor`: what this desk may do, with whom, decided by whom, and what stands in the way. */
export async function doctorCommand(terminal: Terminal, desk: Desk): Promise<number> {
  const { settings } = desk;
  const say = (...lines: readonly string[]) => terminal.print(lines.join("\n"));
  say(`Desk ${settings.name} of ${settings.advertiser}, ${settings.sandbox ? "sandbox: no real money" : "live"}`);
  const { inForce, waiting } = await desk.policy();
  if (!inForce) say("", "No mandate: nothing may be spent.");
  else {
    say(
      "",
      `Mandate in force: version ${inForce.version}, ${policyDigest(inForce).slice(0, 12)}`,
      ...limitsOf(inForce).map((line) => `  ${line}`),
    );
    const { balances, day } = await desk.standing();
    say(`  committed on ${day}: ${displayMoney(spentOn(balances, day))}; in all: ${displayMoney(balances.total)}`);
    for (const ref of balances.incidents)
      say(`  INCIDENT on ${ref}: approvals are stopped; ${settings.command} settle ${ref} --clear`);
  }
  if (waiting.length > 0)
    say(
      "",
      `The config allows more, and that does not count yet (${settings.command} policy approve):`,
      ...waiting.map((line) => `  ${line}`),
    );
  say("", "Sellers");
  for (const { id, origin, trust, trustBy, credentials, blocked } of await desk.sellers()) {
    const keys = credentials.length > 0 ? `keys for ${credentials.join(", ")}` : "no keys";
    say(`  ${id}  ${origin}  ${blocked ? "blocked" : trust} (${trustBy}), ${keys}`);
  }
  say("", "People with a PIN on this desk");
  const names = await desk.people.names();
  if (names.length === 0) say(`  nobody: ${settings.command} pin`);
  for (const name of names) say(`  ${name}, ${(await desk.people.passkeys(name)).length} passkeys`);
  say("", "Where clients can ask you", ...clients.map(([client, way]) => `  ${client}: ${way}`));
  return 0;
}

function limitsOf(mandate: Mandate): readonly string[] {
  const cap = (name: string, amount: Money | null) => (amount ? [`${name} ${displayMoney(amount)}`] : []);
  return [
    `per_buy ${displayMoney(mandate.perBuy)}, per_day ${displayMoney(mandate.perDay)} (${mandate.timeZone}), max_cpm ${displayMoney(mandate.maxCpm)}`,
    ...cap("per_campaign", mandate.perCampaign),
    ...cap("total", mandate.total),
    `min_trust ${mandate.minTrust}; sellers ${mandate.allowedSellers?.join(", ") ?? "all"}${mandate.blockedSellers.length > 0 ? ` but ${mandate.blockedSellers.join(", ")}` : ""}`,
    ...(mandate.guaranteed ? [] : ["no guaranteed deals"]),
    ...mandate.blackouts.map(({ from, to }) => `nothing runs ${from} to ${to}`),
    ...channelLines("", mandate.channels),
    ...Object.entries(mandate.roles).flatMap(([role, limits]) => channelLines(`${role}: `, limits)),
    ...mandate.people.map(({ name, role }) => `${name} is ${role}`),
    ...cap("two people above", mandate.twoPersonsAbove),
  ];
}

function channelLines(whose: string, limits: ChannelLimits): readonly string[] {
  const lines = Object.entries(limits).flatMap(([channel, limit]) =>
    limit
      ? [`${whose}${channel} decides up to ${displayMoney(limit.perBuy)} a buy, ${displayMoney(limit.perDay)} a day`]
      : [],
  );
  return lines.length > 0 ? lines : [`${whose}no channel decides anything`];
}
