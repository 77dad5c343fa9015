/**
 * TLS contexts of xDS as plain data: where certificates come from, and whom to expect. gRFC A29.
 *
 * What would make a connection less strict than was asked for is refused by name.
 */

import { FieldProblem, typeNameOf, unpack } from "./fields.ts";
import type { DataSource, TransportSocket } from "./generated/envoy/config/core/v3/base_pb.js";
import {
  type CertificateValidationContext,
  type TlsCertificate,
  TlsParameters_TlsProtocol,
} from "./generated/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import type { SdsSecretConfig } from "./generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.js";
import {
  type CommonTlsContext,
  UpstreamTlsContextSchema,
} from "./generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import { Notes } from "./notes.ts";

/** A certificate with its key, as PEM. Never logged. */
export interface PemPair {
  readonly cert: string;
  readonly key: string;
}

/** Where a certificate comes from. */
export type CertificateSource =
  | { readonly kind: "pem"; readonly pair: PemPair }
  /** An instance of the bootstrap's `certificate_providers`. */
  | { readonly kind: "provider"; readonly name: string }
  /** A secret of the same server (SDS). */
  | { readonly kind: "secret"; readonly name: string };

/** Where trusted CAs come from. */
export type CaSource =
  | { readonly kind: "pem"; readonly ca: string }
  | { readonly kind: "provider"; readonly name: string }
  | { readonly kind: "secret"; readonly name: string }
  /** Those of the system. */
  | { readonly kind: "system" };

/** A `CommonTlsContext`. */
export interface TlsContext {
  readonly certificates: readonly CertificateSource[];
  /** null: the peer's certificate is not asked for, or not checked. */
  readonly ca: CaSource | null;
  /** The one name that a server's certificate must have; null: none is said. */
  readonly expectedName: string | null;
  /** What was asked for and is not done, for people. */
  readonly notes: readonly string[];
}

/** TLS to the endpoints of a cluster. */
export interface UpstreamTls extends TlsContext {
  /** SNI; null: none is said. */
  readonly serverName: string | null;
}

const RAW_BUFFER = "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer";

/** Null for plaintext. @throws FieldProblem */
export function upstreamTlsOf(
  socket: TransportSocket | undefined,
  path: string,
): UpstreamTls | null {
  if (socket === undefined) return null;
  const any = socket.configType.case === "typedConfig" ? socket.configType.value : undefined;
  if (any === undefined) throw new FieldProblem(`${path}.typed_config`, "is missing");
  if (typeNameOf(any) === RAW_BUFFER) return null;
  const context = unpack(UpstreamTlsContextSchema, any, `${path}.typed_config`);
  if (context === null) {
    throw new FieldProblem(`${path}.typed_config`, `is ${typeNameOf(any)}, which is not supported`);
  }
  const at = `${path}.typed_config.common_tls_context`;
  if (context.commonTlsContext === undefined) throw new FieldProblem(at, "is missing");
  const tls = tlsContextOf(context.commonTlsContext, at);
  // A29: "it is an error if there is no CA": a server that nobody checks could be anyone.
  if (tls.ca === null) throw new FieldProblem(at, "has no validation context with a CA");
  const serverName = context.sni === "" ? null : context.sni;
  if (serverName !== null && tls.expectedName !== null && serverName !== tls.expectedName) {
    const both = `${tls.expectedName} beside sni ${serverName}`;
    throw new FieldProblem(at, `expects ${both}: two names are not supported`);
  }
  const notes = new Notes();
  notes.addSet(path, [
    ["allow_renegotiation", context.allowRenegotiation],
    ["max_session_keys", context.maxSessionKeys !== undefined],
    ["enforce_rsa_key_usage", context.enforceRsaKeyUsage === true],
  ]);
  return {
    ...tls,
    serverName: serverName ?? tls.expectedName,
    notes: [...tls.notes, ...notes.list()],
  };
}

/** @throws FieldProblem */
export function tlsContextOf(context: CommonTlsContext, path: string): TlsContext {
  const validation = validationOf(context, path);
  if (context.customHandshaker !== undefined) {
    throw new FieldProblem(`${path}.custom_handshaker`, "is not supported");
  }
  return {
    certificates: certificatesOf(context, path),
    ca: validation.ca,
    expectedName: validation.expectedName,
    notes: notesOf(context, path),
  };
}

/** TLS 1.2 and 1.3 are spoken. What asks for less, or for a choice among these, is told. */
function notesOf({ tlsParams, keyLog }: CommonTlsContext, path: string): string[] {
  const at = `${path}.tls_params`;
  if (tlsParams?.tlsMinimumProtocolVersion === TlsParameters_TlsProtocol.TLSv1_3) {
    throw new FieldProblem(`${at}.tls_minimum_protocol_version`, "is TLSv1_3: not supported");
  }
  const notes = new Notes();
  notes.addSet(at, [
    ["tls_minimum_protocol_version", isOlder(tlsParams?.tlsMinimumProtocolVersion)],
    ["tls_maximum_protocol_version", isOlder(tlsParams?.tlsMaximumProtocolVersion, 3)],
    ["cipher_suites", (tlsParams?.cipherSuites.length ?? 0) > 0],
    ["ecdh_curves", (tlsParams?.ecdhCurves.length ?? 0) > 0],
    ["signature_algorithms", (tlsParams?.signatureAlgorithms.length ?? 0) > 0],
  ]);
  notes.addSet(path, [["key_log", keyLog !== undefined]]);
  return notes.list();
}

/** @param newest that is too old to be meant. */
function isOlder(version: TlsParameters_TlsProtocol | undefined, newest = 2): boolean {
  return version !== undefined && version !== 0 && version <= newest;
}

function certificatesOf(context: CommonTlsContext, path: string): CertificateSource[] {
  const provider =
    context.tlsCertificateProviderInstance ?? context.tlsCertificateCertificateProviderInstance;
  if (provider !== undefined) return [{ kind: "provider", name: provider.instanceName }];
  if (context.tlsCertificateCertificateProvider !== undefined) {
    throw new FieldProblem(`${path}.tls_certificate_certificate_provider`, "is not supported");
  }
  const inline = context.tlsCertificates.map(
    (each, i): CertificateSource => ({
      kind: "pem",
      pair: pemPairOf(each, `${path}.tls_certificates[${i}]`),
    }),
  );
  const secrets = context.tlsCertificateSdsSecretConfigs.map((each, i): CertificateSource => {
    const name = secretName(each, `${path}.tls_certificate_sds_secret_configs[${i}]`);
    return { kind: "secret", name };
  });
  return [...inline, ...secrets];
}

/** Secrets come by the same stream. */
function secretName({ name, sdsConfig }: SdsSecretConfig, path: string): string {
  const where = sdsConfig?.configSourceSpecifier.case;
  if (where === "ads" || where === "self") return name;
  throw new FieldProblem(`${path}.sds_config`, "must be ads");
}

/** @throws FieldProblem */
export function pemPairOf(certificate: TlsCertificate, path: string): PemPair {
  if (certificate.privateKeyProvider !== undefined || certificate.pkcs12 !== undefined) {
    throw new FieldProblem(path, "must be certificate_chain and private_key");
  }
  return {
    cert: inlineText(certificate.certificateChain, `${path}.certificate_chain`),
    key: inlineText(certificate.privateKey, `${path}.private_key`),
  };
}

/** @throws FieldProblem */
function inlineText(source: DataSource | undefined, path: string): string {
  const specifier = source?.specifier;
  if (specifier?.case === "inlineString") return specifier.value;
  if (specifier?.case === "inlineBytes") return Buffer.from(specifier.value).toString("utf8");
  throw new FieldProblem(path, "must be inline_string or inline_bytes");
}

interface Validation {
  readonly ca: CaSource | null;
  readonly expectedName: string | null;
}

function validationOf(context: CommonTlsContext, path: string): Validation {
  const { case: kind, value } = context.validationContextType;
  switch (kind) {
    case undefined:
      return { ca: null, expectedName: null };
    case "validationContext":
      return caOf(value, `${path}.validation_context`);
    case "validationContextSdsSecretConfig": {
      const name = secretName(value, `${path}.validation_context_sds_secret_config`);
      return { ca: { kind: "secret", name }, expectedName: null };
    }
    case "validationContextCertificateProviderInstance":
      return { ca: { kind: "provider", name: value.instanceName }, expectedName: null };
    case "combinedValidationContext": {
      const at = `${path}.combined_validation_context`;
      const own = value.defaultValidationContext;
      const base = own === undefined ? { ca: null, expectedName: null } : caOf(own, at);
      const instance = value.validationContextCertificateProviderInstance;
      if (instance !== undefined) {
        return { ...base, ca: { kind: "provider", name: instance.instanceName } };
      }
      if (value.validationContextSdsSecretConfig === undefined) return base;
      const name = secretName(value.validationContextSdsSecretConfig, at);
      return { ...base, ca: { kind: "secret", name } };
    }
    default:
      throw new FieldProblem(`${path}.validation_context_type`, `${kind} is not supported`);
  }
}

/** @throws FieldProblem */
export function caOf(context: CertificateValidationContext, path: string): Validation {
  const strict = [
    ["verify_certificate_spki", context.verifyCertificateSpki.length > 0],
    ["verify_certificate_hash", context.verifyCertificateHash.length > 0],
    ["require_signed_certificate_timestamp", context.requireSignedCertificateTimestamp === true],
    ["crl", context.crl !== undefined],
    ["custom_validator_config", context.customValidatorConfig !== undefined],
  ] as const;
  // A29: fields that would make the check stricter "will be NACKed" when they are not supported.
  for (const [name, isSet] of strict) {
    if (isSet) throw new FieldProblem(`${path}.${name}`, "is not supported");
  }
  const expectedName = expectedNameOf(context, path);
  const instance = context.caCertificateProviderInstance;
  if (instance !== undefined) {
    return { ca: { kind: "provider", name: instance.instanceName }, expectedName };
  }
  if (context.systemRootCerts !== undefined) return { ca: { kind: "system" }, expectedName };
  if (context.trustedCa === undefined) return { ca: null, expectedName };
  const ca = inlineText(context.trustedCa, `${path}.trusted_ca`);
  return { ca: { kind: "pem", ca }, expectedName };
}

/** One exact DNS name can be kept to; anything else would be checked less than was asked for. */
function expectedNameOf(context: CertificateValidationContext, path: string): string | null {
  const typed = context.matchTypedSubjectAltNames;
  const all = [
    ...typed.map(({ matcher, sanType }) => (sanType === 2 ? matcher : undefined)),
    ...context.matchSubjectAltNames,
  ];
  if (all.length === 0) return null;
  const pattern = all[0]?.matchPattern;
  if (all.length === 1 && pattern?.case === "exact" && !all[0]!.ignoreCase) {
    if (!pattern.value.includes("/")) return pattern.value;
  }
  const at = typed.length > 0 ? "match_typed_subject_alt_names" : "match_subject_alt_names";
  throw new FieldProblem(`${path}.${at}`, "is supported for one exact DNS name only");
}
