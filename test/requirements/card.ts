import { byDesign, later, type Row, tested } from "./row.ts";

/** The card: the project's own description, its promises, its stack and its tool surface. */
export const card = {
  // Who it is for
  "server.stdio": tested("Planners use it over stdio; nothing but protocol messages is written to stdout."),
  "server.http": tested("Other agents use it over streamable HTTP."),
  "server.conformance": tested(
    "Every scenario that the official MCP conformance suite requires of a server passes, for both revisions served.",
  ),
  "server.inspector": tested(
    "The MCP Inspector goes from the tool list to a booked deal with the documented commands.",
  ),
  "server.eras": tested(
    "Clients of both protocol eras get the right structured answer, however the person answers or does not.",
  ),
  "server.instructions": tested("The server's instructions stay under 1 kB."),
  "server.in_a_minute": tested("A fresh clone reaches a booked sandbox deal with two commands."),
  "server.two_processes": tested("Two server processes on one desk quote, approve and book once."),
  "server.iab": tested("Sellers that speak the IAB Tech Lab seller agent contract are bought from."),
  "server.opendirect": tested("Sellers that speak OpenDirect 2.1 are bought from."),
  "server.adcp": tested("Sellers that speak AdCP are bought from."),

  // Stack
  "stack.mcp_sdk": byDesign(
    1,
    "MCP is spoken with the SDK's current split packages; the former single package is the interop client.",
  ),
  "stack.keyv_sqlite": byDesign(
    3,
    "Keyv over SQLite holds what may be lost; spend is an append-only ledger on SQLite.",
  ),
  "stack.bundle": byDesign(6, "Everything but sqlite3 is bundled, so that an installed copy runs what was tested."),
  "stack.zod": tested("zod checks the config, the tools' arguments and what sellers answer."),
  "stack.undici": tested("undici is the one way out to sellers."),
  "stack.cockatiel": tested("cockatiel's circuit breaker skips a dead seller fast, and the answer says so."),
  "stack.pino": tested("pino logs to stderr, with secrets redacted."),
  "stack.anthropic": tested("The optional planner uses the Anthropic SDK, loaded only when it plans."),

  "stack.node": tested("It runs as ESM on Node 20.19 or newer."),
  "stack.adcp_sdk": tested("A third-party AdCP seller built on another SDK is bought from in the tests."),
  "stack.postgres": later("replicas", "A desk's ledger and caches can live in PostgreSQL."),

  // Promises
  "promise.no_approving_argument": tested("No tool's input has an argument with which a model could approve."),
  "promise.exact_terms": tested("An approval is bound to the digests of exact terms; changed terms void it."),
  "promise.spent_once": tested("An approval is spent once: replaying an approved call books nothing more."),
  "promise.channel_limits": tested(
    "Each channel counts up to its configured amount; without one it counts for nothing.",
  ),
  "promise.intent_first": tested("What will be sent is in the ledger before a seller is called."),
  "promise.never_two": tested("A crash at any step of booking leaves one deal, none, or booking_unknown; never two."),
  "promise.booking_unknown": byDesign(
    7,
    "An unclear answer is booking_unknown, holds its budget, and is settled as the protocol allows.",
  ),
  "promise.settle": tested("What stays unknown is settled by a person in the terminal."),
  "promise.compared": tested(
    "What was booked is compared with what was approved; a difference is terms_mismatch, never a success.",
  ),
  "promise.fail_closed": tested("No mandate, a missing limit or an unknown currency: refused, with the line to add."),
  "promise.mandate_limits": tested(
    "Per buy, per day, highest CPM, currency, sellers and trust: each limit refuses with its reason.",
  ),
  "promise.spend_day": tested("The day of a daily limit is a day in the operator's time zone."),
  "promise.history_chained": tested("Entries are appended and hash-chained; a changed one is found out."),
  "promise.money_string": tested("Money is an amount and a currency in one string, parsed and written exactly."),
  "promise.sellers_words": tested("Seller text is cleaned, capped and labelled, and decides nothing."),
  "promise.no_silence": tested("An error says what happened, what did not happen and what to do next."),
  "promise.no_llm_on_money_path": tested("No model SDK is imported outside the planner."),
  "promise.planner_has_fewer_rights": tested(
    "The planner is an ordinary client of this server that can neither book nor approve.",
  ),
  "promise.sandbox_marked": tested("Every answer of a sandbox desk says sandbox."),
  "promise.sandbox_apart": byDesign(
    8,
    "Sandbox sellers are a separate process speaking real HTTP; a real desk never contains one.",
  ),

  // Rules for every tool
  "tool.text_suffices": tested("Brief to booked works with the text answers alone."),
  "tool.list_size": tested("The tool list stays under twenty tools and 24,000 bytes."),
  "tool.annotations": tested("Each tool has four annotations and an output schema."),
  "tool.echo": tested("Every answer names the advertiser and ends with at most three next steps."),
  "tool.campaign_label": tested("A campaign label put on quotes and buys finds them again."),
  "tool.same_item_same_quote": tested("Asking for the same item again while its quote is open returns that quote."),
  "tool.error_shape": tested(
    "An error's text begins with its code; code, recovery and nothing_booked are in its metadata.",
  ),
  "tool.reads_take_nothing": tested("Every read tool answers to an empty argument object."),
  "tool.collects_late_work": tested("Work that outlives its deadline goes on, and the same call collects it."),
  "tool.log_line": tested("Each call leaves one line in the log: tool, time, sellers, client."),

  // The six, and those beside them
  "tool.discover_sellers": tested(
    "discover_sellers answers with sellers, those kept out and the state of each source.",
  ),
  "tool.get_media_kit": tested("get_media_kit answers with products, a status per seller and a cursor."),
  "tool.request_quote": tested(
    "request_quote answers with ranked quotes, the failed items, avails and what the mandate says.",
  ),
  "tool.request_quote.renews": tested("Quotes are renewed by their ids at the same terms."),
  "tool.request_quote.not_honoured": tested(
    "Targeting a seller will not honour is named on the quote, and to the approver.",
  ),
  "tool.negotiate": tested("negotiate answers with a status and every round, per quote."),
  "tool.create_media_buy": tested(
    "create_media_buy answers booked or awaiting_approval, with the ways to reach the person.",
  ),
  "tool.create_media_buy.po_number": tested("A PO number is part of the terms that are approved."),
  "tool.approve": tested("approve asks the person again or reports, and returns the booking once decided."),
  "tool.buy_status": tested("A buy's status is one of a closed list, partly booked and terms mismatch among them."),
  "tool.get_inbox": tested("get_inbox says who and where the desk is, what is open and what needs attention."),
  "tool.get_media_buys": tested("get_media_buys shows each buy as last seen, and when."),
  "tool.update_media_buy.cancel": tested("update_media_buy cancels, or says plainly that this seller cannot."),
  "tool.update_media_buy.change": tested("update_media_buy changes a running buy; any rise is a new approval."),
  "tool.sync_creatives": tested("sync_creatives sends creatives and answers for each of them."),
  "tool.get_delivery": tested("get_delivery shows what ran and what it cost, with advice."),
  "tool.compare_quotes": tested("Quotes of several sellers are compared and ranked with a line of reason each."),
  "tool.plan_campaign": tested("plan_campaign turns a brief into recommendations, with or without a model's key."),
  "tool.media_plan": tested("A media plan can be looked at, as a table in the answer and as an image."),
  "tool.grps": later("linear TV", "A quote is asked for by GRPs."),
  "tool.resources": tested("Sellers, quotes, media buys and approvals are resources, with completion."),
  "tool.prompts": tested("The prompt files are served as MCP prompts."),
  "tool.planners_week": tested(
    "A planner's week (renew, cut, one decision for many lines, a new chat on Friday) takes about eleven calls.",
  ),

  // How a person is asked
  "ask.form": tested("A client with forms is asked approve or reject, and an optional note."),
  "ask.card": tested(
    "The approval card shows money first: sellers, lines, what is not honoured, what is revealed, what is left.",
  ),
  "ask.short_code": tested("A short code made from the digests can be compared by eye; it approves nothing."),
  "ask.terminal": tested("The terminal shows the terms and asks the PIN; without a PIN nothing is approved there."),
  "ask.terminal_does_not_send": tested("The terminal records the decision; a serving process does the sending."),
  "ask.page": tested("The approval page approves, rejects, or approves some lines."),
  "ask.passkey": tested("A passkey signs a decision."),
  "ask.app": tested("The approval card is rendered in clients that show apps."),
  "ask.url": tested("A client that opens addresses is given the approval page's where a form does not count."),
  "ask.quote_worse": tested(
    "Terms that got worse while the person thought are terms_changed, and a fresh quote is offered.",
  ),
} satisfies Record<string, Row>;
