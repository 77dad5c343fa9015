/**
 * Where one endpoint stands with what is around the policy: whether it is a candidate, how it was
 * before, in which level it is. Kept by `Candidates`, for which it is a part of the subchannel.
 *
 * Made with the endpoint: a pod that takes over an address inherits nothing.
 */

/** See the head of this file. */
export class Standing {
  /** Whether the picker that was made last has it, and whether it was ready then. */
  isCandidate = false;
  wasReady = false;
  /** Whether it was ever ready, or found not to be: until then it says nothing of its level. */
  isKnown = false;
  /** The same when the picker was made. */
  wasKnown = false;
  /** It has not been ready yet, or has failed since. */
  isNew = true;
  /** Its level; see `Locality`. */
  level = 0;
}
