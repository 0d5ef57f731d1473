/** The look of the audit page, on a screen and on paper. */
export const auditStyle = `
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --good: #1a7f4b; --bad: #c0362c; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1.1rem; margin: 0; }
h4 { font-size: .8rem; letter-spacing: .04em; text-transform: uppercase; opacity: .7; margin: 1.25rem 0 .35rem; }
.kind { font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; opacity: .7; margin: 0; }
section { border-left: 4px solid var(--line); background: var(--soft); padding: 1rem 1.25rem; margin: 1.25rem 0; border-radius: 0 8px 8px 0; }
section h2 { margin-top: 0; }
section.good { border-color: var(--good); }
section.bad, .bad { border-color: var(--bad); }
.bad h2, p.bad, td.bad, b.bad { color: var(--bad); }
td.good, b.good { color: var(--good); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
td.money, th.money { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.when { white-space: nowrap; width: 11rem; opacity: .75; }
.terms th:first-child { width: 24%; }
.terms td { width: 38%; }
code { font: 12.5px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: .75rem; border-radius: 6px; font-size: 12.5px; }
.small { font-size: .85rem; opacity: .75; }
.state { font-size: .8rem; border: 1px solid var(--line); border-radius: 1rem; padding: .1rem .6rem; margin-left: .5rem; white-space: nowrap; }
@media print { section { break-inside: avoid; } details { display: none; } }
`;
