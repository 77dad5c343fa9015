/** SDS: secrets as PEM texts, which never reach a log. */
import { fromBinary } from "@bufbuild/protobuf";
import type { ResourceKind } from "../../discovery/index.ts";
import {
  caOf,
  decoded,
  FieldProblem,
  type PemPair,
  pemPairOf,
  RESOURCE_TYPES,
  SecretSchema,
} from "../../xds/index.ts";

/** What a secret holds. */
export type SecretResource =
  | { readonly kind: "certificate"; readonly pair: PemPair }
  | { readonly kind: "ca"; readonly ca: string };

/** SDS for an `XdsClient`. */
export const SECRET_KIND: ResourceKind<SecretResource> = {
  typeUrl: RESOURCE_TYPES.SDS,
  name: "SDS",
  isComplete: false,
  decode: (bytes) => {
    const { name, type } = fromBinary(SecretSchema, bytes);
    return decoded(name, (): SecretResource => {
      if (type.case === "tlsCertificate") {
        return { kind: "certificate", pair: pemPairOf(type.value, "tls_certificate") };
      }
      if (type.case !== "validationContext") {
        throw new FieldProblem("type", "must be tls_certificate or validation_context");
      }
      const { ca, expectedName } = caOf(type.value, "validation_context");
      if (expectedName !== null) {
        throw new FieldProblem("validation_context.match_subject_alt_names", "is not supported");
      }
      if (ca?.kind === "pem") return { kind: "ca", ca: ca.ca };
      throw new FieldProblem("validation_context.trusted_ca", "is missing");
    });
  },
};
