/** Times of the simulated desk, in milliseconds. */
export const bookingTimeoutMs = 20_000;
export const readTimeoutMs = 5_000;
/** As the real desk has it: half for the last look, half for the booking, and a margin for each. */
export const claimMs = 2 * (bookingTimeoutMs + 5_000);
export const settleAfterMs = 300_000;
/** The first pause between two looks at a buy that its seller keeps waiting. */
export const followEveryMs = 30_000;
export const approvalMinutes = 30;
export const quoteTtlMs = 3_600_000;

/**
 * How late after its bytes left a request may still take effect at a seller. This is what the settling time of
 * `read_back` assumes of the world: with clocks up to two minutes apart, a seller that is slower can be booked twice.
 */
export const latestEffectMs = 200_000;

/** How long a seller of the replaying kind answers the same bytes alike; the shortest that AdCP allows. */
export const replayMs = 3_600_000;

/** How far the machine's clock jumps off true time. */
export const mostJumpMs = 60_000;
/** How far a process's clock is off the machine's. */
export const mostSkewMs = 2_000;
/** How far any clock is off true time. */
export const mostOffMs = mostJumpMs + mostSkewMs;
