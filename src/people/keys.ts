import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  scrypt,
  sign,
  verify,
} from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { sha256 } from "../domain/ids.ts";

/** scrypt's cost: a short PIN must not fall to a copied file in minutes, so the length rule and this go together. */
const COST = 2 ** 17;

const passkey = z.object({
  id: z.string(),
  publicKey: z.string(),
  counter: z.number(),
  transports: z.array(z.string()),
  addedAt: z.string(),
});
const file = z.object({
  v: z.literal(1),
  person: z.string(),
  keyId: z.string(),
  publicKey: z.string(),
  sealed: z.object({
    cost: z
      .number()
      .int()
      .min(2)
      .max(COST * 2),
    salt: z.string(),
    iv: z.string(),
    tag: z.string(),
    key: z.string(),
  }),
  passkeys: z.array(passkey),
  /** Public keys of earlier PINs: what they signed can still be verified, nothing new can be signed with them. */
  retired: z.array(z.object({ keyId: z.string(), publicKey: z.string() })),
});

export type Passkey = z.output<typeof passkey>;
type Kept = z.output<typeof file>;

/** The name of a person as it may stand in a file name and in an entry. */
export const personName = /^[a-z0-9][a-z0-9._-]{0,40}$/;

/**
 * The keys of the people who decide on a desk, in files beside the ledger and never in it: an Ed25519 key each, sealed
 * under the person's PIN (scrypt, AES-256-GCM), and passkeys. Whoever can write these files can add a person; whoever
 * can only write the ledger cannot forge a decision.
 */
export interface PeopleKeys {
  names(): Promise<readonly string[]>;
  isSet(person: string): Promise<boolean>;
  /** Makes a person's key, or a new one in its place; passkeys stay. The caller has checked the old PIN. */
  setPin(person: string, pin: string): Promise<void>;
  /** Signs a text with a person's key, or null when the PIN does not open it. */
  sign(
    person: string,
    pin: string,
    text: string,
  ): Promise<{ readonly keyId: string; readonly signature: string } | null>;
  /** True when the signature over the text is by a key of that person, now or earlier. */
  verify(person: string, keyId: string, text: string, signature: string): Promise<boolean>;
  passkeys(person: string): Promise<readonly Passkey[]>;
  addPasskey(person: string, added: Passkey): Promise<void>;
  /** Notes a passkey's new use counter. */
  usedPasskey(person: string, id: string, counter: number): Promise<void>;
}

/**
 * The people of a desk, each with a file of their own in `directory`.
 * @param cost scrypt's N for keys sealed from now on; a kept key is opened at the cost it was sealed with
 */
export function peopleKeys(directory: string, cost = COST): PeopleKeys {
  const pathOf = (person: string) => {
    if (!personName.test(person)) throw new RangeError(`"${person}" is no name for a person`);
    return join(directory, `${person}.json`);
  };
  const read = async (person: string): Promise<Kept | null> => {
    try {
      return file.parse(JSON.parse(await readFile(pathOf(person), "utf8")));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
      throw error;
    }
  };
  const write = async (kept: Kept): Promise<void> => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const draft = `${pathOf(kept.person)}.${randomBytes(4).toString("hex")}`;
    await writeFile(draft, JSON.stringify(kept, null, 1), { mode: 0o600, flag: "wx" });
    await rename(draft, pathOf(kept.person));
  };
  const existing = async (person: string): Promise<Kept> => {
    const kept = await read(person);
    if (!kept) throw new RangeError(`${person} has no PIN on this desk`);
    return kept;
  };

  return {
    names: async () => {
      const files = await readdir(directory).catch(() => []);
      return files.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5));
    },
    isSet: async (person) => (await read(person)) !== null,
    setPin: async (person, pin) => {
      const before = await read(person);
      const retired = before ? [...before.retired, { keyId: before.keyId, publicKey: before.publicKey }] : [];
      await write({ ...(await freshKey(person, pin, cost)), passkeys: before?.passkeys ?? [], retired });
    },
    sign: async (person, pin, text) => {
      const kept = await read(person);
      const key = kept ? await unseal(kept.sealed, pin) : null;
      if (!kept || !key) return null;
      const signature = sign(null, Buffer.from(text, "utf8"), createPrivateKey({ key, format: "der", type: "pkcs8" }));
      return { keyId: kept.keyId, signature: signature.toString("base64url") };
    },
    verify: async (person, keyId, text, signature) => {
      const kept = personName.test(person) ? await read(person) : null;
      const known = kept ? [{ keyId: kept.keyId, publicKey: kept.publicKey }, ...kept.retired] : [];
      const found = known.find((key) => key.keyId === keyId);
      if (!found) return false;
      const key = createPublicKey({ key: Buffer.from(found.publicKey, "base64url"), format: "der", type: "spki" });
      return verify(null, Buffer.from(text, "utf8"), key, Buffer.from(signature, "base64url"));
    },
    passkeys: async (person) => (await read(person))?.passkeys ?? [],
    addPasskey: async (person, added) => {
      const kept = await existing(person);
      await write({ ...kept, passkeys: [...kept.passkeys.filter(({ id }) => id !== added.id), added] });
    },
    usedPasskey: async (person, id, counter) => {
      const kept = await existing(person);
      await write({ ...kept, passkeys: kept.passkeys.map((one) => (one.id === id ? { ...one, counter } : one)) });
    },
  };
}

async function freshKey(person: string, pin: string, cost: number): Promise<Omit<Kept, "passkeys" | "retired">> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const spki = publicKey.export({ format: "der", type: "spki" }).toString("base64url");
  const sealed = await seal(privateKey.export({ format: "der", type: "pkcs8" }), pin, cost);
  return { v: 1, person, keyId: sha256(spki).slice(0, 16), publicKey: spki, sealed };
}

async function seal(key: Buffer, pin: string, cost: number): Promise<Kept["sealed"]> {
  const salt = randomBytes(16);
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", await derive(pin, salt, cost), iv);
  const text = Buffer.concat([cipher.update(key), cipher.final()]);
  const hex = (bytes: Buffer) => bytes.toString("hex");
  return { cost, salt: hex(salt), iv: hex(iv), tag: hex(cipher.getAuthTag()), key: hex(text) };
}

async function unseal(sealed: Kept["sealed"], pin: string): Promise<Buffer | null> {
  const bytes = (hex: string) => Buffer.from(hex, "hex");
  const decipher = createDecipheriv(
    "aes-256-gcm",
    await derive(pin, bytes(sealed.salt), sealed.cost),
    bytes(sealed.iv),
  );
  decipher.setAuthTag(bytes(sealed.tag));
  try {
    return Buffer.concat([decipher.update(bytes(sealed.key)), decipher.final()]);
  } catch {
    // A wrong PIN shows as a tag that does not fit; there is nothing else to tell it by.
    return null;
  }
}

function derive(pin: string, salt: Buffer, cost: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(pin.normalize("NFKC"), salt, 32, { N: cost, r: 8, p: 1, maxmem: 256 * 1024 * 1024 }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
