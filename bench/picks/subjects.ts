/** Which policies are measured, with which parameters, and what they have to reach. */
import { KNOWN_POLICY_NAMES } from "../../src/balancing/index.ts";

/** The header that hashing policies hash. */
export const HASH_HEADER = "x-session";

/** One policy. */
export interface Subject {
  readonly name: string;
  /** As in service config. */
  readonly parameters: object;
  /** For one pick, whatever the number of endpoints; null: none is set. */
  readonly pickNsMax: number | null;
  /** For all of an update: one endpoint added to 10,000. */
  readonly updateMsMax: number;
}

/** Of one update, the longest that the event loop is held up. */
export const STEP_MS_MAX = 5;

/** Numbers of endpoints. */
export const SIZES: readonly number[] = [10, 10_000];

const UPDATE_MS_MAX = 2;
const HASHED_UPDATE_MS_MAX = 50;

const PICK_NS_MAX: Readonly<Record<string, number>> = {
  round_robin: 100,
  least_request: 100,
  random: 100,
  peak_ewma: 250,
  weighted_round_robin: 250,
  maglev: 250,
  ring_hash: 500,
};

const HASHED: Readonly<Record<string, object>> = {
  // As many points as the cap allows, which is raised: all 10,000 endpoints have some.
  ring_hash: { minRingSize: 65_536, ringSizeCap: 65_536, requestHashHeader: HASH_HEADER },
  maglev: { requestHashHeader: HASH_HEADER },
};

/** Every policy that there is. */
export const SUBJECTS: readonly Subject[] = KNOWN_POLICY_NAMES.map((name) => ({
  name,
  parameters: HASHED[name] ?? {},
  pickNsMax: PICK_NS_MAX[name] ?? null,
  updateMsMax: name in HASHED ? HASHED_UPDATE_MS_MAX : UPDATE_MS_MAX,
}));
