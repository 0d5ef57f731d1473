import * as z from "zod";
import { type Answer, answer } from "../wire.ts";
import { created, knownAccount } from "./accounts.ts";
import type { OpenDirectCall, OpenDirectRoute } from "./call.ts";
import { idField, read } from "./fields.ts";
import { listed } from "./listing.ts";
import { type Json, missing, wrong } from "./refusal.ts";
import type { OpenDirectRuntime } from "./runtime.ts";
import type { StoredThing } from "./state.ts";

/** Creatives of an account, and which line's placement they run on. */

const creativeFields = z.strictObject({
  accountid: idField.optional(),
  name: z.string().min(1).max(255),
  ad: z.record(z.string(), z.unknown()),
  ext: z.record(z.string(), z.unknown()).optional(),
});

/** 2.1 binds a creative to a placement; the buyer clients name the line. */
const assignmentFields = z.strictObject({
  creativeid: idField,
  placementid: idField.optional(),
  lineid: idField.optional(),
  sov: z.number().int().min(1).max(100).optional(),
  producttargeting: z.array(z.record(z.string(), z.unknown())).optional(),
});

function creativeOnWire(seller: OpenDirectRuntime, { id, accountId, status, asked }: StoredThing): Json {
  return { ...asked, id, accountid: accountId, creativeapprovals: { [seller.profile.publisherId]: status } };
}

function assignmentOnWire({ id, status, asked }: StoredThing): Json {
  return { ...asked, id, status };
}

function known(
  things: Readonly<Record<string, StoredThing>>,
  params: OpenDirectCall["params"],
  what: string,
): StoredThing {
  const thing = things[params["id"] ?? ""];
  if (thing && thing.accountId === params["account"]) return thing;
  throw missing(what);
}

function ofAccount(call: OpenDirectCall, things: Readonly<Record<string, StoredThing>>): readonly StoredThing[] {
  const account = knownAccount(call.seller, call.params["account"] ?? "");
  return Object.values(things).filter((thing) => thing.accountId === account.id);
}

function addCreative(call: OpenDirectCall): Answer {
  const { seller, params } = call;
  const account = knownAccount(seller, params["account"] ?? "");
  const { accountid: _path, ...asked } = read(creativeFields, call.body());
  const status = seller.behaviour.creatives === "by-hand" ? "PENDING" : "APPROVED";
  const creative: StoredThing = { id: seller.newId(), accountId: account.id, status, asked };
  seller.books.creatives[creative.id] = creative;
  seller.commit();
  return created(`/accounts/${account.id}/creatives/${creative.id}`, creativeOnWire(seller, creative));
}

/** Its name may change, its `ad` never: OpenDirect 2.1, Creative. */
function renameCreative(call: OpenDirectCall): Answer {
  const { seller, params } = call;
  const creative = known(seller.books.creatives, params, "creative");
  const { accountid: _path, ...asked } = read(creativeFields.partial(), call.body());
  if (asked.ad !== undefined && JSON.stringify(asked.ad) !== JSON.stringify(creative.asked["ad"])) {
    throw wrong("InvalidField", "ad: it cannot be changed; make another creative");
  }
  const after = { ...creative, asked: { ...creative.asked, ...asked } };
  seller.books.creatives[creative.id] = after;
  seller.commit();
  return answer(creativeOnWire(seller, after));
}

function removeCreative({ seller, params }: OpenDirectCall): Answer {
  const { id } = known(seller.books.creatives, params, "creative");
  const used = Object.values(seller.books.assignments).some(({ asked }) => asked["creativeid"] === id);
  if (used) throw wrong("CreativeInUse", "It is assigned to a line.");
  delete seller.books.creatives[id];
  seller.commit();
  return answer({});
}

function assign(call: OpenDirectCall): Answer {
  const { seller, params } = call;
  const account = knownAccount(seller, params["account"] ?? "");
  const asked = read(assignmentFields, call.body());
  known(seller.books.creatives, { ...params, id: asked.creativeid }, "creative");
  if ((asked.placementid === undefined) === (asked.lineid === undefined)) {
    throw wrong("InvalidField", "placementid: the placement it runs on is missing");
  }
  const assignment: StoredThing = { id: seller.newId(), accountId: account.id, status: "Active", asked };
  seller.books.assignments[assignment.id] = assignment;
  seller.commit();
  return created(`/accounts/${account.id}/assignments/${assignment.id}`, assignmentOnWire(assignment));
}

/** One way: OpenDirect 2.1, Assignment `status`. */
function disable({ seller, params, search }: OpenDirectCall): Answer {
  const assignment = known(seller.books.assignments, params, "assignment");
  if (search !== "disable") throw wrong("InvalidAction", "Only ?disable changes an assignment.");
  const after = { ...assignment, status: "Inactive" };
  seller.books.assignments[assignment.id] = after;
  seller.commit();
  return answer(assignmentOnWire(after));
}

function removeAssignment({ seller, params }: OpenDirectCall): Answer {
  const { id } = known(seller.books.assignments, params, "assignment");
  delete seller.books.assignments[id];
  seller.commit();
  return answer({});
}

const creatives = "/accounts/{account}/creatives";
const assignments = "/accounts/{account}/assignments";
const operation = "creative";

export const creativeRoutes: readonly OpenDirectRoute[] = [
  { methods: ["POST"], path: creatives, operation, handle: addCreative },
  {
    methods: ["GET"],
    path: creatives,
    operation,
    handle: (call) => {
      const { seller } = call;
      const found = ofAccount(call, seller.books.creatives);
      return listed(
        call,
        "creatives",
        found.map((creative) => creativeOnWire(seller, creative)),
      );
    },
  },
  {
    methods: ["GET"],
    path: `${creatives}/{id}`,
    operation,
    handle: ({ seller, params }) => answer(creativeOnWire(seller, known(seller.books.creatives, params, "creative"))),
  },
  { methods: ["PUT", "PATCH"], path: `${creatives}/{id}`, operation, handle: renameCreative },
  { methods: ["DELETE"], path: `${creatives}/{id}`, operation, handle: removeCreative },
  { methods: ["POST"], path: assignments, operation, handle: assign },
  {
    methods: ["GET"],
    path: assignments,
    operation,
    handle: (call) => listed(call, "assignments", ofAccount(call, call.seller.books.assignments).map(assignmentOnWire)),
  },
  {
    methods: ["GET"],
    path: `${assignments}/{id}`,
    operation,
    handle: ({ seller, params }) => answer(assignmentOnWire(known(seller.books.assignments, params, "assignment"))),
  },
  { methods: ["PUT", "PATCH"], path: `${assignments}/{id}`, operation, handle: disable },
  { methods: ["DELETE"], path: `${assignments}/{id}`, operation, handle: removeAssignment },
];
