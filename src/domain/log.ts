/** A line for the operator, on stderr; never a secret, never a seller's sentence unlabelled. */
export type Log = (message: string, details?: object) => void;
