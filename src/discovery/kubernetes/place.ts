/** Where this process runs, as far as it is known: what hints and local traffic depend on. */

/** A node of the cluster and its zone. */
export interface Place {
  readonly node: string | null;
  readonly zone: string | null;
}
