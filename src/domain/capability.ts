/** What a seller can do for us, as far as its protocol and card say. */
export const capabilities = [
  "media_kit",
  "quote",
  "negotiate",
  "book",
  "order",
  "cancel",
  "update",
  "creatives",
  "performance",
] as const;
export type Capability = (typeof capabilities)[number];
