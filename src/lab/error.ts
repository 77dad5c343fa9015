/**
 * What can keep the lab from running, as one sentence for its user.
 */

/** A reason why the lab, or one of its lanes, cannot run. Anything else that is thrown is a bug. */
export class LabError extends Error {}
