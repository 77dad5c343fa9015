/**
 * The parameters of policies, as they stand beside a policy's name in service config: checked, each
 * mistake named by the path of its field.
 *
 * https://github.com/grpc/grpc-proto/blob/master/grpc/service_config/service_config.proto. Numbers
 * that are wide (uint64) there may come as text, which is how protobuf writes them in JSON; null
 * is the same as absent.
 */
import {
  booleanAt,
  type Fields,
  metadataKeyProblem,
  refuse,
  ServiceConfigError,
  textAt,
  timeMsAt,
} from "../grpc/index.ts";
import { CHOICE_COUNT_DEFAULT, CHOICE_COUNT_MIN, LeastRequestPolicy } from "./least-request.ts";
import { MaglevPolicy, TABLE_SIZE_DEFAULT, TABLE_SIZE_MAX } from "./maglev.ts";
import { PEAK_EWMA_DEFAULTS, PeakEwmaPolicy } from "./peak-ewma.ts";
import { PickFirstPolicy } from "./pick-first.ts";
import type { Policy } from "./policy.ts";
import {
  RING_SIZE_CAP_DEFAULT,
  RING_SIZE_LIMIT,
  RING_SIZE_MIN_DEFAULT,
  RingHashPolicy,
} from "./ring-hash.ts";

/** Reads the parameters at a path. @throws ServiceConfigError */
export type ParametersParser = (fields: Fields, path: string) => Policy;

/** `pick_first`: `{"shuffleAddressList": true}` (A62). */
export const parsePickFirst: ParametersParser = ({ shuffleAddressList }, path) =>
  new PickFirstPolicy(booleanAt(shuffleAddressList, `${path}.shuffleAddressList`) ?? false);

/** `least_request`: `{"choiceCount": 2}` (A48). */
export const parseLeastRequest: ParametersParser = (fields, path) =>
  new LeastRequestPolicy(choiceCountAt(fields, path));

/** `peak_ewma`: `{"decay": "2.5s", "defaultRtt": "0.030s", "choiceCount": 2}`. */
export const parsePeakEwma: ParametersParser = (fields, path) =>
  new PeakEwmaPolicy({
    decayMs: spanMsAt(fields, "decay", path) ?? PEAK_EWMA_DEFAULTS.decayMs,
    defaultRttMs: spanMsAt(fields, "defaultRtt", path) ?? PEAK_EWMA_DEFAULTS.defaultRttMs,
    choiceCount: choiceCountAt(fields, path),
  });

/**
 * `ring_hash`: `{"minRingSize": 1024, "maxRingSize": 8388608, "requestHashHeader": ""}` (A42, A76),
 * and `ringSizeCap`, which gRPC has as a setting of the process or of the channel.
 */
export const parseRingHash: ParametersParser = (fields, path) => {
  const size = (name: string) => wideAt(fields[name], `${path}.${name}`, 1, RING_SIZE_LIMIT);
  const min = size("minRingSize") ?? RING_SIZE_MIN_DEFAULT;
  const max = size("maxRingSize") ?? RING_SIZE_LIMIT;
  const cap = size("ringSizeCap") ?? RING_SIZE_CAP_DEFAULT;
  // Envoy, which A42 follows: "minimum_ring_size must be less than or equal to maximum_ring_size".
  if (min > max) refuse(`${path}.minRingSize`, min, `no more than maxRingSize, which is ${max}`);
  return new RingHashPolicy({
    // grpc-go and C-core: larger ones count as the cap.
    minRingSize: Math.min(min, cap),
    maxRingSize: Math.min(max, cap),
    requestHashHeader: hashHeaderAt(fields, path),
  });
};

/** `maglev`: `{"tableSize": 65537, "requestHashHeader": ""}` (Envoy; A76). */
export const parseMaglev: ParametersParser = (fields, path) => {
  const at = `${path}.tableSize`;
  const tableSize = wideAt(fields.tableSize, at, 2, TABLE_SIZE_MAX) ?? TABLE_SIZE_DEFAULT;
  // Envoy: "Note that the table size must be prime number limited to 5000011."
  if (!isPrime(tableSize)) refuse(at, tableSize, "a prime number");
  return new MaglevPolicy({ tableSize, requestHashHeader: hashHeaderAt(fields, path) });
};

function choiceCountAt({ choiceCount }: Fields, path: string): number {
  const at = `${path}.choiceCount`;
  const count = choiceCount ?? CHOICE_COUNT_DEFAULT;
  if (!Number.isInteger(count)) return refuse(at, count, "a whole number");
  // "If choice_count < 2, the config will be rejected." (A48)
  if ((count as number) < CHOICE_COUNT_MIN) return refuse(at, count, "2 or more");
  return count as number;
}

/** A duration above 0; null when it is absent. */
function spanMsAt(fields: Fields, name: string, path: string): number | null {
  const value = fields[name];
  const at = `${path}.${name}`;
  const ms = timeMsAt(value, at);
  return ms === 0 ? refuse(at, value, "longer than 0s") : ms;
}

/** A whole number in a range, also as text; null when it is absent. */
function wideAt(value: unknown, path: string, min: number, max: number): number | null {
  if (value === undefined || value === null) return null;
  const isText = typeof value === "string" && /^\d{1,15}$/.test(value);
  const number = isText ? Number(value) : value;
  const isAllowed = Number.isInteger(number) && (number as number) >= min;
  if (isAllowed && (number as number) <= max) return number as number;
  return refuse(path, value, `a whole number from ${min} to ${max}`);
}

/** The header to hash, in lower case; null: none, which is what "" means in protobuf. */
function hashHeaderAt({ requestHashHeader }: Fields, path: string): string | null {
  const at = `${path}.requestHashHeader`;
  const header = textAt(requestHashHeader, at).toLowerCase();
  if (header === "") return null;
  // "if the request_hash_header field contains a value that is not a valid header name, then the
  // configuration is rejected." (A76)
  const problem = metadataKeyProblem(header);
  if (problem !== "") throw new ServiceConfigError(at, `is "${header}": a name ${problem}`);
  // "If the request_hash_header refers to a binary header (suffixed with -bin), the configuration
  // is also rejected." (A76)
  if (header.endsWith("-bin")) refuse(at, header, "a header without the suffix -bin");
  return header;
}

function isPrime(number: number): boolean {
  for (let by = 2; by * by <= number; by += 1) if (number % by === 0) return false;
  return number > 1;
}
