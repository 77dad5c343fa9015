/** What a user can mend of the way to Kubernetes objects: kubeconfigs, credentials, directories. */

/** There is no way to the objects that a target needs. The message is one sentence, no secrets. */
export class DiscoveryError extends Error {
  override readonly name: string = "DiscoveryError";
}
