/**
 * The check of a Secret (v1), of which only a certificate and its key are kept: type
 * kubernetes.io/tls, data `tls.crt` and `tls.key` as PEM (RFC 7468) in base64.
 *
 * A Secret that is none of this makes no object that is malformed: whoever refers to it is told.
 * Nothing that is said here holds a byte of what is in it.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { isJsonObject } from "../../base/index.ts";
import type { Fields } from "./fields.ts";
import type { Secret } from "./gateway-objects.ts";
import type { ObjectMeta } from "./objects.ts";

/** Longest PEM text: a Secret as a whole may have 1 MiB (its documentation). */
export const SECRET_BYTES_MAX = 1_048_576;

const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Never throws. */
export function checkSecret(fields: Fields, metadata: ObjectMeta): Secret {
  const pair = pairOf(fields);
  const isUsable = typeof pair !== "string";
  return {
    kind: "Secret",
    metadata,
    tls: isUsable ? pair : null,
    problem: isUsable ? null : pair,
  };
}

/** The pair, or one clause that says why there is none. */
function pairOf(fields: Fields): { readonly cert: string; readonly key: string } | string {
  if (fields.type !== "kubernetes.io/tls") return "its type is not kubernetes.io/tls";
  const cert = textOf(fields, "tls.crt");
  if (cert === null) return "its data tls.crt is missing or no base64";
  const key = textOf(fields, "tls.key");
  if (key === null) return "its data tls.key is missing or no base64";
  const certificates = cert.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) return "its data tls.crt holds no certificate in PEM";
  const first = certificateOf(certificates);
  if (first === null) return "its data tls.crt holds a certificate that cannot be read";
  const privateKey = keyOf(key);
  if (privateKey === null) return "its data tls.key holds no private key in PEM that can be read";
  return first.checkPrivateKey(privateKey)
    ? { cert, key }
    : "its data tls.key does not belong to the first certificate of tls.crt";
}

/** `stringData` is what people write into files; an API server never has it. */
function textOf({ data, stringData }: Fields, name: string): string | null {
  const plain = isJsonObject(stringData) ? stringData[name] : undefined;
  if (typeof plain === "string") return plain.length <= SECRET_BYTES_MAX ? plain : null;
  const coded = isJsonObject(data) ? data[name] : undefined;
  if (typeof coded !== "string" || coded.length > 2 * SECRET_BYTES_MAX) return null;
  return coded !== "" && BASE64.test(coded)
    ? Buffer.from(coded, "base64").toString("latin1")
    : null;
}

/** The first of a chain of which all can be read. */
function certificateOf(certificates: readonly string[]): X509Certificate | null {
  try {
    return certificates.map((pem) => new X509Certificate(pem))[0];
  } catch {
    return null;
  }
}

function keyOf(key: string): KeyObject | null {
  try {
    return createPrivateKey(key);
  } catch {
    return null;
  }
}
