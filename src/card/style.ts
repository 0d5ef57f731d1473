import { createHash } from "node:crypto";

const light = `--paper:#f4f2ee;--sheet:#fffefc;--ink:#1d1c1a;--soft:#6a655d;--line:#e5e0d8;--good:#1b6b4d;
--good-ink:#fff;--good-wash:#e6f1ec;--bad:#a03a2b;--bad-wash:#f9ebe7;--warn:#8a5a00;--warn-wash:#fbf3df;--calm-wash:#ecebf3;--calm:#4a4a78`;
const dark = `--paper:#141312;--sheet:#1d1c1a;--ink:#ece8e1;--soft:#a09a90;--line:#34312d;--good:#5fbd95;
--good-ink:#0d1f17;--good-wash:#17281f;--bad:#e88a78;--bad-wash:#2e1c18;--warn:#e0b35c;--warn-wash:#2b2415;--calm-wash:#22222e;--calm:#b3b3e0`;

/** What is different in a chat: no page around the card, and less room. */
const inChat = `
body{background:transparent;font-size:15px}
.sheet>*,.decide>section{padding:.9rem 1.2rem}
.banner{padding:.7rem 1.2rem;margin-bottom:.6rem}
.amount{font-size:2rem}
.line{padding:.5rem 0}
.facts ul{margin-bottom:.6rem}
.facts dl>div{padding:.3rem 0}
main,.bar{max-width:none;padding-left:.25rem;padding-right:.25rem}
.bar{padding-top:.4rem;padding-bottom:.5rem}
.sheet{box-shadow:none}
.where{font-size:.85rem;color:var(--soft);margin-top:.8rem;overflow-wrap:anywhere}
.ways .warn{margin-bottom:.6rem}
`;

const rules = `
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
a{color:inherit}
h1,h2,p,ol,ul,dl,dd{margin:0;padding:0}
h2{font-size:.8rem;font-weight:600;letter-spacing:.04em;color:var(--soft);margin-bottom:.6rem}
code,.ref,.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.bar{display:flex;align-items:center;gap:.9rem;max-width:46rem;margin:0 auto;padding:1.4rem 1.5rem .9rem;font-size:.85rem;color:var(--soft)}
.mark{font-weight:650;color:var(--ink);text-decoration:none}
.sandbox{margin-left:auto;padding:.15rem .65rem;border-radius:1rem;background:var(--warn-wash);color:var(--warn);font-weight:600}
main{max-width:46rem;margin:0 auto;padding:0 1rem}
.sheet{background:var(--sheet);border:1px solid var(--line);border-radius:14px;box-shadow:0 1px 2px rgb(0 0 0/.04),0 12px 32px rgb(0 0 0/.05);overflow:hidden}
.sheet>*,.decide>section{padding:1.5rem 2rem}
.hero h1{font-weight:400;font-size:1.1rem}
.verb,.amount,.to{display:block}
.verb{color:var(--soft)}
.amount{font-size:clamp(2.1rem,8vw,3.3rem);line-height:1.15;font-weight:680;letter-spacing:-.025em}
.amount small{font-size:.42em;font-weight:600;letter-spacing:0;color:var(--soft)}
.to{font-size:1.15rem;font-weight:600}
.meta{display:flex;flex-wrap:wrap;column-gap:1.2rem;margin-top:.55rem;color:var(--soft);font-size:.92rem}
.due{font-size:.92rem;color:var(--soft);margin-top:.2rem}
.due time{color:var(--ink);font-weight:600}
.decide{padding:0!important}
.decide>section,.sheet>.lines,.sheet>.facts{border-top:1px solid var(--line)}
.lines ol{list-style:none}
.lines li+li{border-top:1px solid var(--line)}
.line{display:grid;grid-template-columns:auto 1fr auto;column-gap:.8rem;padding:.9rem 0}
.line.out{color:var(--soft)}
.line.out .sum,.line.out .name{text-decoration:line-through}
.bare{grid-template-columns:1fr auto}
.bare .mark-cell{display:none}
.bare .more{grid-column:1/-1}
.mark-cell input{width:1.15rem;height:1.15rem;margin:.22rem 0 0;accent-color:var(--good)}
.tick{font-weight:700;color:var(--good)}
.out .tick{color:var(--bad)}
.name{font-weight:600}
.by{color:var(--soft);margin-left:.4rem}
.sum{font-weight:650;text-align:right;white-space:nowrap}
.more{grid-column:2/-1;font-size:.92rem;color:var(--soft)}
.more b{color:var(--ink);font-weight:600}
.more em{font-style:normal;font-weight:650;color:var(--good)}
.out .more em{color:var(--bad)}
s{margin-left:.5rem;white-space:nowrap}
.ref{font-size:.78rem;overflow-wrap:anywhere}
.warn{display:inline-block;margin:.25rem 0;padding:.2rem .6rem;border-radius:6px;background:var(--warn-wash);color:var(--warn)}
.hint,.label small,label small{font-size:.82rem;color:var(--soft);font-weight:400}
.ways{background:color-mix(in srgb,var(--paper) 55%,var(--sheet))}
.ways>.warn{margin-bottom:1rem}
.ticked{font-weight:600;margin-bottom:.9rem}
.fields{display:grid;grid-template-columns:1fr 1fr;gap:.9rem 1rem}
.wide{grid-column:1/-1}
label,.label{display:block;font-size:.85rem;font-weight:600}
.line label{display:inline;font-size:1rem}
.only{display:block;padding:.5rem 0;font-weight:600}
input[type=text],input[type=password],select{width:100%;margin-top:.25rem;height:2.8rem;padding:0 .7rem;font:inherit;color:inherit;background:var(--sheet);
border:1px solid color-mix(in srgb,var(--soft) 55%,var(--line));border-radius:8px}
:focus-visible{outline:3px solid color-mix(in srgb,var(--good) 55%,transparent);outline-offset:1px}
.buttons{display:flex;flex-wrap:wrap;gap:.7rem;margin-top:1.1rem}
button{padding:.65rem 1.3rem;font:inherit;font-weight:650;border-radius:8px;border:1px solid transparent;cursor:pointer}
button:disabled{opacity:.5;cursor:default}
.no-enter{display:none}
.yes{background:var(--good);color:var(--good-ink)}
.yes.quiet{background:var(--good-wash);color:var(--good);border-color:color-mix(in srgb,var(--good) 35%,transparent)}
.no{background:transparent;color:var(--bad);border-color:color-mix(in srgb,var(--bad) 40%,transparent)}
.passkey{margin-top:1.2rem;padding-top:1rem;border-top:1px dashed var(--line)}
.passkey p{font-size:.9rem;color:var(--soft)}
.passkey .buttons{margin-top:.5rem}
.says{color:var(--bad);font-weight:600}
.says:not(:empty){margin-top:.9rem}
.facts ul{padding-left:1.15rem;margin-bottom:1.2rem}
.facts dl>div{display:grid;grid-template-columns:9rem 1fr;gap:.2rem 1rem;padding:.5rem 0;border-top:1px solid var(--line);font-size:.92rem}
dt{color:var(--soft)}
.row{display:block}
.code{font-weight:700;letter-spacing:.06em;padding:.05rem .45rem;border:1px solid var(--line);border-radius:5px;margin-right:.4rem}
.bar-chart{display:block;width:100%;height:.5rem;border-radius:4px;margin:.4rem 0 .35rem}
.bar-chart .rest{fill:var(--line)}.bar-chart .this{fill:var(--good);opacity:.45}.bar-chart .past{fill:var(--good)}
.banner{margin-bottom:1rem;padding:1rem 1.4rem;border-radius:12px}
.banner h2{font-size:1.1rem;letter-spacing:0;color:inherit;margin-bottom:.15rem}
.banner.good{background:var(--good-wash);color:var(--good)}.banner.bad{background:var(--bad-wash);color:var(--bad)}
.banner.calm{background:var(--calm-wash);color:var(--calm)}
.banner p{color:var(--ink)}
q{color:var(--soft)}
.plain>*{padding-top:0;padding-bottom:1rem}
.plain>h1{font-size:1.5rem;padding-top:1.5rem}
.plain>.decide{padding:0 2rem 1.8rem!important}
.waiting{list-style:none;padding:0!important;border-top:1px solid var(--line)}
.waiting li{border-bottom:1px solid var(--line)}
.waiting a,.people li{display:block;padding:1rem 2rem;text-decoration:none}
.waiting a:hover{background:color-mix(in srgb,var(--paper) 55%,var(--sheet))}
.waiting b{font-size:1.15rem}
.waiting small,.people span{display:block;color:var(--soft)}
.people{margin-bottom:1.4rem}
.foot{max-width:46rem;margin:0 auto;padding:1.2rem 1.5rem 3rem;font-size:.82rem;color:var(--soft);display:flex;flex-wrap:wrap;gap:.4rem 1.2rem}
.foot span{flex-basis:100%}
.note{padding-top:18vh;text-align:center}
@media (max-width:34rem){.sheet>*,.decide>section{padding-left:1.15rem;padding-right:1.15rem}.fields{grid-template-columns:1fr}
.line{grid-template-columns:auto 1fr}.bare{grid-template-columns:1fr}.sum{grid-column:2;text-align:left}.bare .sum{grid-column:1}
.facts dl>div{grid-template-columns:1fr}.buttons button{flex:1 1 100%}.by{display:block;margin-left:0}.desk{display:none}
.waiting a,.people li{padding-left:1.15rem;padding-right:1.15rem}}
@media print{body,.sheet,.ways{background:#fff;color:#000}.sheet{border:0;box-shadow:none}.ways,.foot,.mark-cell input[type=checkbox]{display:none}}
`;

/** The one style sheet: calm, legible, light and dark by the reader's own setting, good on paper and on a phone. */
export const styleSheet =
  `:root{color-scheme:light dark;${light}}@media screen and (prefers-color-scheme:dark){:root{${dark}}}${rules}`.replaceAll(
    "\n",
    "",
  );

/**
 * The same for the card in a chat, where the host says whether it is dark. No `color-scheme`: a frame whose scheme is not
 * the host's gets an opaque ground from the browser.
 */
export const chatStyle = `:root{${light}}:root[data-theme=dark]{${dark}}${rules}${inChat}`.replaceAll("\n", "");

/** For the content security policy: this style sheet and no other. */
export const styleHash = `sha256-${createHash("sha256").update(styleSheet, "utf8").digest("base64")}`;
