import * as z from "zod";
import { credentialTier } from "./adcp-answers.ts";
import { createHttp, type HttpAnswer, type HttpCall } from "./http.ts";
import { type Casing, casingOf, entriesIn, folded, written } from "./opendirect-dialect.ts";
import { notHere, refusalOf, unreadable } from "./opendirect-errors.ts";
import type { ConnectOptions } from "./protocol.ts";
import { type Access, SellerFailure } from "./seller.ts";

/** One OpenDirect seller: where it is, in which names it speaks, and how its lists are read to their end. */
export interface Session {
  readonly sellerId: string;
  /** The path of the seller's address, without a slash at the end. */
  readonly base: string;
  /** The seller's own names, as they were last seen; the specification's before anything was. */
  casing(): Casing;
  /** The path of a resource below the seller's base, each part percent-encoded. */
  path(...parts: readonly string[]): string;
  /** One request with the seller's one credential. @throws SellerFailure where no answer came */
  send(call: Omit<HttpCall, "path"> & { readonly path: string }, access: Access): Promise<HttpAnswer>;
  /** Reads one resource. @throws SellerFailure */
  get<Shape extends z.ZodType>(what: string, shape: Shape, path: string, access: Access): Promise<z.output<Shape>>;
  /**
   * A collection to its end, entry by entry: what cannot be read loses itself alone and is counted. @throws SellerFailure
   * @param plural the collection's name in lower case
   */
  list<Shape extends z.ZodType<{ readonly id: string }>>(
    plural: string,
    shape: Shape,
    path: string,
    access: Access,
  ): Promise<Listed<z.output<Shape>>>;
  /** Entries of one answer that holds a collection, with the raw ones that could not be read. @throws SellerFailure */
  entries<Shape extends z.ZodType>(plural: string, shape: Shape, answer: HttpAnswer): Listed<z.output<Shape>>;
  /** JSON text of a body, in the seller's names or in the ones given. */
  body(content: Readonly<Record<string, unknown>>, casing?: Casing): string;
}

export interface Listed<Entry> {
  readonly entries: readonly Entry[];
  readonly unreadable: number;
  /** There may be more that was not got: what is not among the entries may be there all the same. */
  readonly isCut: boolean;
}

const PAGE = 50;
/** 5,000 entries: a seller that keeps inventing new ones is not read for ever. */
const MOST_PAGES = 100;
/** What a seller that ignores paging may send at once. */
const MOST_ENTRIES = PAGE * MOST_PAGES;

/** How pages are turned: as the buyer agents of the IAB Tech Lab do, as the specification does, and as their seller does. */
const firstPaging = (offset: number) => `$skip=${offset}&$top=${PAGE}`;
const pagings = [
  firstPaging,
  (offset: number) => `offset=${offset}&count=${PAGE}`,
  (offset: number) => `limit=${PAGE}&offset=${offset}`,
];

/** The base path of a seller's address, without a slash at the end. */
export function basePathOf(url: string): string {
  return new URL(url).pathname.replace(/\/+$/, "");
}

/** @see Session */
export function createSession(options: ConnectOptions): Session {
  const { sellerId } = options;
  const http = createHttp(options);
  const base = basePathOf(options.url);
  let seen: Casing | null = null;
  let paging = 0;
  let isPagingKnown = false;

  const path: Session["path"] = (...parts) => `${base}/${parts.map(encodeURIComponent).join("/")}`;
  const send: Session["send"] = (call, access) =>
    http.send(call, { tier: credentialTier(http), identity: {}, signal: access.signal });

  function read<Shape extends z.ZodType>(what: string, shape: Shape, answer: HttpAnswer): z.output<Shape> {
    const refusal = refusalOf(sellerId, what, answer);
    if (refusal) throw refusal;
    const result = shape.safeParse(folded(answer.json));
    if (result.success) return result.data;
    const [first] = result.error.issues;
    // The path is of our own schema: no word of the seller's gets into the sentence.
    const field = first?.path.filter((key) => typeof key === "string").join(".") ?? "";
    const why = answer.json === undefined ? "it is not JSON" : `${field || "its shape"} cannot be read`;
    throw unreadable(sellerId, what, why, answer.status);
  }

  const note = (raw: readonly unknown[]): void => {
    const [first] = raw;
    const casing = casingOf(first);
    if (casing === "iab") {
      const why = `${sellerId} lists its products as an IAB seller agent does, which takes no OpenDirect orders: its protocol is iab-seller-agent.`;
      throw notHere(sellerId, why);
    }
    seen = casing ?? seen;
  };

  const entries: Session["entries"] = (plural, shape, answer) => {
    const what = `its ${plural}`;
    const refusal = refusalOf(sellerId, what, answer);
    if (refusal) throw refusal;
    const raw = entriesIn(answer.json, plural);
    if (raw === null) throw unreadable(sellerId, what, "there is no list in it", answer.status);
    if (plural === "products") note(raw);
    const few = raw.slice(0, MOST_ENTRIES).map((one) => shape.safeParse(folded(one)));
    const good = few.flatMap((one) => (one.success ? [one.data] : []));
    return { entries: good, unreadable: raw.length - good.length, isCut: raw.length > MOST_ENTRIES };
  };

  return {
    sellerId,
    base,
    casing: () => seen ?? "lower",
    path,
    send,
    entries,
    async get(what, shape, at, access) {
      const answer = await send({ method: "GET", path: at, phase: "discovery" }, access);
      const found = read(what, shape, answer);
      if (what === "a product") note([answer.json]);
      return found;
    },

    async list(plural, shape, at, access) {
      const found = new Map<string, z.output<typeof shape>>();
      let lost = 0;
      const turn = async (how: number) => {
        const query = (pagings[how] ?? firstPaging)(found.size);
        const call = {
          method: "GET",
          path: `${at}${at.includes("?") ? "&" : "?"}${query}`,
          phase: "media_kit",
        } as const;
        const answer = await send(call, access);
        const listed = entries(plural, shape, answer);
        const fresh = listed.entries.filter(({ id }) => !found.has(id));
        for (const one of fresh) found.set(one.id, one);
        // A page that comes again is not counted again.
        if (fresh.length > 0 || found.size + lost === 0) lost += listed.unreadable;
        return { size: listed.entries.length + listed.unreadable, fresh: fresh.length, total: totalIn(answer) };
      };
      const isWhole = ({ size, total }: { size: number; total: number | null }) =>
        size === 0 || (total === null ? isPagingKnown && size < PAGE : found.size + lost >= total);
      let page = await turn(paging).catch(async (error: unknown) => {
        // A strict seller refuses parameters that it does not know.
        const isStrict = error instanceof SellerFailure && [400, 422].includes(error.status ?? 0);
        if (!isStrict || isPagingKnown) throw error;
        paging = (paging + 1) % pagings.length;
        return turn(paging);
      });
      const first = page;
      for (let turns = 1; turns < MOST_PAGES && !isWhole(page); turns += 1) {
        page = await turn(paging);
        // A page without anything new is the end, or a seller that turns its pages otherwise.
        for (let how = 0; page.fresh === 0 && !isPagingKnown && how < pagings.length; how += 1) {
          if (how === paging) continue;
          page = await turn(how).catch(nothingMore);
          if (page.fresh > 0) paging = how;
        }
        isPagingKnown = true;
        if (page.fresh === 0) break;
      }
      // A page of just the size that was asked for, over and over, is the first of several.
      const isStuck = page.fresh === 0 && page.size > 0 && first.size === PAGE;
      const isCut = isStuck || (!isWhole(page) && page.fresh > 0) || (page.total ?? 0) > found.size + lost;
      return { entries: [...found.values()], unreadable: lost, isCut };
    },

    body: (content, casing = seen ?? "lower") => JSON.stringify(written(casing, content)),
  };
}

/** How many entries there are in all, where the answer says it: in a `paging` object, beside the list, or in a header. */
function totalIn(answer: HttpAnswer): number | null {
  const said = totals.safeParse(folded(answer.json)).data;
  const header = answer.header("x-total-count");
  return said?.paging?.totalrecords ?? said?.totalcount ?? (header && /^\d{1,9}$/.test(header) ? Number(header) : null);
}

const total = z.int().nonnegative().nullable().catch(null);
const totals = z.object({ paging: z.object({ totalrecords: total }).nullable().catch(null), totalcount: total });

/** Another way to turn pages that the seller refuses brings nothing more. */
function nothingMore(error: unknown): { size: number; fresh: number; total: number | null } {
  if (error instanceof SellerFailure && error.definite) return { size: 0, fresh: 0, total: null };
  throw error;
}

/**
 * Reads around a write. @param definite what a failure of it says of the write: before it, that nothing was sent (true); after
 * it, nothing, however sure the failure is (false)
 */
export async function aroundWrite<T>(definite: boolean, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof SellerFailure)) throw error;
    const { sellerId, kind, message, code, sellerSaid, status } = error;
    throw new SellerFailure(sellerId, kind, message, { definite, code, sellerSaid, status, cause: error });
  }
}
