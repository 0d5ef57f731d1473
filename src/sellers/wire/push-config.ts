import * as z from "zod";

/** What we wrote into a request of our own, read back from its frozen bytes; nothing of a seller's. */
export const pushConfig = z.object({
  push_notification_config: z
    .object({
      url: z.url(),
      token: z.string().min(16),
      operation_id: z.string().nullable().default(null),
      authentication: z.object({ credentials: z.string().min(32) }).optional(),
    })
    .optional(),
});
