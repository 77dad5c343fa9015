/**
 * What is wrong with the way to an API server as the user described it: kubeconfig files, the mount
 * of a pod, plugins. Not about what the server answers: see `http/failure.ts`.
 */
import { DiscoveryError } from "../../error.ts";

/** Its message is one sentence that names the file, the field and what is allowed. No secrets. */
export class ApiAccessError extends DiscoveryError {
  override readonly name = "ApiAccessError";
}
