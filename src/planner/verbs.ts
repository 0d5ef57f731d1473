import type { Desk } from "../desk.ts";

/** All that a planner's code may do with the desk: look, ask for quotes, negotiate and compare. Nothing here can ask to buy. */
export type Verbs = Pick<Desk, "log" | "sellers" | "mediaKit" | "quote" | "negotiate" | "compare">;

/** Under this name quotes are asked for that nobody asked for by hand. */
export const PLANNER = "planner";
