import * as z from "zod";

/** What we read of a `check_governance` answer beside its verdict (AdCP 3.0 and 3.1, check-governance-response). */

const text = z.string().catch("");
const list = z.array(z.unknown()).catch([]);

const finding = z
  .object({ severity: text, category_id: text, explanation: text })
  .catch({ severity: "", category_id: "", explanation: "" });
const condition = z.object({ field: text, reason: text }).catch({ field: "", reason: "" });

/** Shown only. Texts are raw here. */
export const governanceWords = z.object({
  explanation: text,
  findings: list.transform((all) => all.map((one) => finding.parse(one))),
  conditions: list.transform((all) => all.map((one) => condition.parse(one))),
});

/** What an approval must be, to be one: its time is required, its token optional but then one we can hand on as it is. */
export const governanceApproval = z.object({
  expires_at: z.iso.datetime({ offset: true }),
  governance_context: z
    .string()
    .regex(/^[\x20-\x7E]{1,4096}$/)
    .nullish(),
});
