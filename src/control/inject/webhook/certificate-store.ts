/**
 * The webhook's certificates where all replicas find them: a Secret beside the control plane, and
 * its authority in the MutatingWebhookConfiguration.
 *
 * A Secret and no leader: an API server may ask any replica, so all must show a certificate that it
 * trusts. The first to come makes it, all others are told that it is there (conflict) and read it;
 * whoever sees it due renews it, and the old authority is trusted on until all have the new one.
 */
import type { Json } from "../../../base/index.ts";
import type {
  ObjectWriter,
  WriteResult,
  WriteTarget,
  WriteVerb,
} from "../../../discovery/index.ts";
import type { WebhookCertificates } from "./certificates.ts";

/** Where they are kept, and for which names they are. */
export interface StorePlace {
  readonly namespace: string;
  readonly secret: string;
  /** Name of the MutatingWebhookConfiguration. */
  readonly configuration: string;
  /** DNS names and IP addresses by which API servers reach us. */
  readonly names: readonly string[];
}

/** Why there are no certificates; one clause. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}

/** How often one may be overtaken by other replicas. */
const TRIES_MAX = 5;

/** See the head of this file. */
export class CertificateStore {
  readonly #writer: ObjectWriter;
  readonly #place: StorePlace;

  constructor(writer: ObjectWriter, place: StorePlace) {
    this.#writer = writer;
    this.#place = place;
  }

  /** The certificates in use, made or renewed when that is due. @throws StoreError (rejects) */
  async ensure(wallMs: number): Promise<WebhookCertificates> {
    const { names } = this.#place;
    // Only here, where it is needed: the library takes its time to load.
    const { renewCertificates } = await import("./certificates.ts");
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const found = await this.#send("get", this.#secret, null);
      if (found.failure !== null && found.failure.kind !== "absent") throw errorOf(found);
      const object = found.object as Json | null;
      const old = object === null ? null : readSecret(object);
      const renewed = await renewCertificates(old, names, wallMs);
      if (renewed === null) return old!;
      const verb = object === null ? "create" : "update";
      const written = await this.#send(verb, this.#secret, this.#secretOf(object, renewed));
      if (written.failure === null) return renewed;
      // Another replica was first: what it wrote counts.
      if (written.failure.kind !== "conflict") throw errorOf(written);
    }
    throw new StoreError(`Secret ${this.#place.secret}: others changed it each time`);
  }

  /**
   * Has API servers trust an authority.
   * @returns whether the configuration was changed. @throws StoreError (rejects)
   */
  async trust(ca: string): Promise<boolean> {
    const caBundle = Buffer.from(ca).toString("base64");
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const found = await this.#send("get", this.#configuration, null);
      if (found.failure !== null) throw errorOf(found);
      const object = found.object as Json;
      const webhooks = (Array.isArray(object.webhooks) ? object.webhooks : []) as Json[];
      const isTrusted = webhooks.every(
        ({ clientConfig }) => (clientConfig as Json | undefined)?.caBundle === caBundle,
      );
      if (isTrusted) return false;
      const changed = webhooks.map((each) => ({
        ...each,
        clientConfig: { ...(each.clientConfig as Json), caBundle },
      }));
      const body = { ...object, webhooks: changed };
      const written = await this.#send("update", this.#configuration, body);
      if (written.failure === null) return true;
      if (written.failure.kind !== "conflict") throw errorOf(written);
    }
    throw new StoreError(`${this.#place.configuration}: others changed it each time`);
  }

  get #secret(): WriteTarget {
    const { namespace, secret } = this.#place;
    return { apiVersion: "v1", plural: "secrets", namespace, name: secret, subresource: null };
  }

  get #configuration(): WriteTarget {
    return {
      apiVersion: "admissionregistration.k8s.io/v1",
      plural: "mutatingwebhookconfigurations",
      namespace: "",
      name: this.#place.configuration,
      subresource: null,
    };
  }

  #send(verb: WriteVerb, at: WriteTarget, body: unknown): Promise<WriteResult> {
    return new Promise((resolve) => {
      this.#writer.send(verb, at, body, resolve);
    });
  }

  #secretOf(object: Json | null, made: WebhookCertificates): Json {
    const { namespace, secret } = this.#place;
    const data = {
      "tls.crt": base64(made.cert),
      "tls.key": base64(made.key),
      "ca.crt": base64(made.ca),
      "ca.key": base64(made.caKey),
    };
    const metadata = object?.metadata ?? { namespace, name: secret };
    return { apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls", metadata, data };
  }
}

/** What cannot be read is made anew. */
function readSecret({ data }: Json): WebhookCertificates {
  const text = (key: string): string => {
    const value = (data as Json | undefined)?.[key];
    return typeof value === "string" ? Buffer.from(value, "base64").toString() : "";
  };
  return { cert: text("tls.crt"), key: text("tls.key"), ca: text("ca.crt"), caKey: text("ca.key") };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function errorOf({ failure }: WriteResult): StoreError {
  return new StoreError(failure?.reason ?? "no answer");
}
