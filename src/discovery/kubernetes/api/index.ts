/**
 * Kubernetes objects from an API server.
 *
 * What it is: the way to the server as kubectl finds it (`loadApiAccess`), an `ObjectSource` that
 * lists and watches (`createApiSource`), the questions of `fairlead check` (`checkApi`), and the
 * writer that a control plane asks for by name (`createApiWriter`). Promises: what was seen stays
 * through any outage; secrets are in no log, error or description.
 * Must never: write to the cluster by itself, or know what the objects are used for.
 */

export {
  type ApiCheck,
  type CheckDeps,
  type CheckStep,
  checkApi,
} from "./check/check.ts";
export {
  type ApiAccess,
  type ApiAccessOptions,
  type ApiAccessPlaces,
  loadApiAccess,
} from "./config/access.ts";
export { ApiAccessError } from "./error.ts";
export type { Decode, Decoded } from "./reflector/objects.ts";
export { type ApiSourceDeps, createApiSource } from "./source.ts";
export { createApiWriter } from "./writer.ts";
