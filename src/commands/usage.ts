/** What the program says about itself: all commands, and each one with its options and exit codes. */
export const usage = `media-buyer-mcp                       serve one MCP client over stdio
media-buyer-mcp --http [port]         serve other agents over HTTP; docs/http.md
media-buyer-mcp token [name]          a new token for a caller over HTTP, and its line for the config
media-buyer-mcp demo [...]            the whole job on sandbox sellers, from the brief to booked deals
media-buyer-mcp pin                   set or change your PIN
media-buyer-mcp pending               the approvals that wait for a person
media-buyer-mcp approve <id>          show an approval's terms, and decide it with the PIN; reject <id> rejects it
media-buyer-mcp audit [...]           export what happened as JSON lines and a page; --verify [file] checks it
media-buyer-mcp doctor                what this desk may do, with whom, and who decides
media-buyer-mcp policy [approve]      the mandate in force; let a looser one of the config count, with the PIN
media-buyer-mcp settle <media_buy>    end an unknown booking, or clear an incident, with the PIN
media-buyer-mcp sandbox [...]         run, reset or disturb the sandbox sellers
media-buyer-mcp docs [--check]        write the generated pages of docs/, or say whether they are current

--config <file>    the desk's config; default MEDIA_BUYER_CONFIG, then the user's config directory; without any: sandbox
--sandbox          the sandbox desk, whatever config there is
--data-dir <dir>   where ledgers are kept; default MEDIA_BUYER_DATA_DIR, then the user's local data directory
--as <person>      whose PIN it is, as the mandate names people; default: your name on this machine
--version, --help  media-buyer-mcp <command> --help tells more of one command

Exit codes: 0 done, 1 not done (the reason is printed), 2 not understood or not started.`;

const desk = `
It works on the desk of --config <file>, or the sandbox desk; --data-dir <dir> as the server has it.`;

const commands: Readonly<Record<string, string>> = {
  token: `media-buyer-mcp token [name]

Prints a new bearer token, once, and the line for http.principals in the config: its digest, and scopes to look, quote and
ask to buy. Nothing is kept, and no config is changed.

Exit codes: 0 printed.`,
  demo: `media-buyer-mcp demo [--storyboard guaranteed | --storyboard auction | --campaign]

A script plays the AI assistant; an MCP client, this server over stdio and the sandbox sellers over HTTP are real.
Without a storyboard it buys from IAB seller agents; with one, from an AdCP seller: guaranteed, where the seller's people
sign too (the demo plays them, and says so), or at auction. With --campaign one brief of 250,000 USD becomes deals in four
channels, over every sandbox seller, planned without a model.
On a terminal it stops at the approval and asks you. Elsewhere a scripted person approves, and it says so.
It uses a desk of its own in a temporary directory: no config, no real money, nothing left behind.

Exit codes: 0 booked, rejected or left open; 1 something failed; 130 interrupted.`,
  pin: `media-buyer-mcp pin

Sets this desk's PIN: a passphrase of eight or more characters, asked for at the terminal and never shown. Changing it
needs the present one. After five wrong ones in 15 minutes it is locked, in every process of the desk.
${desk}

Exit codes: 0 the PIN is set, 1 nothing was changed.`,
  approve: `media-buyer-mcp approve <approval_id>

Shows the exact terms, asks for approve or reject, then for the PIN, and records the decision. It calls no seller: the
server that your MCP client runs does the sending. Needs a terminal; a pipe decides nothing.
${desk}

Exit codes: 0 decided, 1 nothing was decided.`,
  audit: `media-buyer-mcp audit [--campaign <label>] [--since <day>] [--until <day>] [--out <folder>]
media-buyer-mcp audit --verify [<file>] [--noted <mark>]

Exports the ledger, a campaign's part of it or a period's, as JSON lines and, with --out, a page to read. --verify checks
chain, anchors, signatures and balances of the ledger or of an exported file; --noted <mark> also that a mark you noted
earlier still holds. It finds what was changed afterwards; docs/audit.md says what it cannot find.
${desk}

Exit codes: 0 nothing is off, 1 something is, 2 it could not be done.`,
  policy: `media-buyer-mcp doctor                what this desk may do, with whom, and who decides
media-buyer-mcp policy [approve]

Says which mandate counts, and in what the config's would allow more. A tighter mandate counts at once; a looser one only
once a person has approved it here with the PIN.
${desk}

Exit codes: 0 shown or approved, 1 nothing was approved.`,
  doctor: `media-buyer-mcp doctor

Explains the mandate in force, the sellers and their keys, who can decide, and what each known client can show.
${desk}`,
  pending: `media-buyer-mcp pending

The approvals that wait for a person.
${desk}`,
  settle: `media-buyer-mcp settle <media_buy_id> [--booked <deal id> | --not-booked | --clear] [--note <text>]

Without an option it shows where the media buy stands. After asking the seller, a person ends what nobody could find out:
  --booked <deal id>   the seller booked it: the money stays committed
  --not-booked         the seller did not: the money is given back
  --clear              an incident (booked on other terms than approved) is accepted as it stands; approvals may go on
  --note <text>        kept with the decision: whom you asked, what they said
Needs a terminal and the PIN, which signs what you say; where the mandate names people, one of those.
${desk}

Exit codes: 0 shown or settled, 1 nothing was changed.`,
};

/** Help on one command, or on all where there is no such command. */
export function usageOf(command: string | undefined): string {
  return (command === undefined ? undefined : commands[command]) ?? usage;
}
