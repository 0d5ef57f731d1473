import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** Flags of authenticator data (WebAuthn level 3, §6.1): user present, user verified, credential attached. */
const PRESENT = 0x01;
const VERIFIED = 0x04;
const ATTACHED = 0x40;

export interface Signing {
  readonly challenge: string;
  readonly origin: string;
  readonly host?: string;
  readonly verified?: boolean;
  readonly counter?: number;
  readonly type?: string;
}

/** An authenticator in software with one ES256 key, that signs whatever it is told: for what no real one would do. */
export class Authenticator {
  readonly id = randomBytes(16).toString("base64url");
  readonly #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });

  /** The public key in COSE (RFC 9053): EC2, ES256, P-256, x, y. */
  get publicKey(): Buffer {
    const { x = "", y = "" } = this.#keys.publicKey.export({ format: "jwk" });
    const head = Buffer.from("a5010203262001", "hex");
    const bytes = (label: string, value: string) => [
      Buffer.from(`${label}5820`, "hex"),
      Buffer.from(value, "base64url"),
    ];
    return Buffer.concat([head, ...bytes("21", x), ...bytes("22", y)]);
  }

  /** Answers `navigator.credentials.get`. */
  get(signing: Signing) {
    const clientData = clientDataOf({ type: "webauthn.get", ...signing });
    const data = dataOf(signing, 0);
    const hash = createHash("sha256").update(clientData).digest();
    const signature = sign("sha256", Buffer.concat([data, hash]), this.#keys.privateKey);
    const response = {
      clientDataJSON: clientData.toString("base64url"),
      authenticatorData: data.toString("base64url"),
      signature: signature.toString("base64url"),
    };
    return { id: this.id, rawId: this.id, type: "public-key", response, clientExtensionResults: {} };
  }

  /** Answers `navigator.credentials.create`, without attestation. */
  create(signing: Signing) {
    const clientData = clientDataOf({ type: "webauthn.create", ...signing });
    const id = Buffer.from(this.id, "base64url");
    const attached = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, this.publicKey]);
    const data = Buffer.concat([dataOf(signing, ATTACHED), attached]);
    // CBOR: {"fmt": "none", "attStmt": {}, "authData": bytes}
    const head = Buffer.from("a363666d74646e6f6e656761747453746d74a068617574684461746159", "hex");
    const attestation = Buffer.concat([head, Buffer.from([data.length >> 8, data.length & 0xff]), data]);
    const response = {
      clientDataJSON: clientData.toString("base64url"),
      attestationObject: attestation.toString("base64url"),
      transports: ["internal"],
    };
    return { id: this.id, rawId: this.id, type: "public-key", response, clientExtensionResults: {} };
  }
}

function clientDataOf({ type, challenge, origin }: Signing): Buffer {
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }), "utf8");
}

function dataOf({ host = "localhost", verified = true, counter = 0 }: Signing, further: number): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(counter);
  const flags = PRESENT | (verified ? VERIFIED : 0) | further;
  return Buffer.concat([createHash("sha256").update(host).digest(), Buffer.from([flags]), count]);
}
