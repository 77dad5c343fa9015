/**
 * All Services of a cluster as a configuration: for a proxy that captures, without a control plane.
 *
 * A Service of which no change is told keeps its listeners and clusters, the same objects.
 */
import type {
  ObjectChange,
  ObjectSource,
  Resolver,
  Service,
  SourceProblem,
  Subscription,
} from "../../discovery/index.ts";
import type { MeshConfig, MeshListener, MeshSource } from "../config.ts";
import { type ServiceMesh, serviceMesh } from "./config.ts";

/** See the head of this file. */
export class ServiceMeshSource implements MeshSource {
  readonly #objects: ObjectSource;
  readonly #newResolver: (target: string) => Resolver;
  /** By "namespace/name". */
  readonly #services = new Map<string, ServiceMesh>();
  /** Whether all Services are known: a part of them would be taken for the whole. */
  #isSynced = false;
  #listener: MeshListener | null = null;
  #watch: Subscription | null = null;

  constructor(objects: ObjectSource, newResolver: (target: string) => Resolver) {
    this.#objects = objects;
    this.#newResolver = newResolver;
  }

  start(listener: MeshListener): void {
    this.#listener = listener;
    const query = { kind: "Service", namespace: null, name: null, label: null } as const;
    this.#watch = this.#objects.watch(query, {
      onChanges: (changes, isSynced) => this.#onChanges(changes, isSynced),
      onProblem: ({ reason }: SourceProblem) => this.#listener?.onError(reason),
      onRecovered: () => this.#tell(),
    });
  }

  close(): void {
    this.#watch?.close();
    this.#listener = null;
  }

  #onChanges(changes: readonly ObjectChange<Service>[], isSynced: boolean): void {
    for (const { type, object } of changes) {
      const id = `${object.metadata.namespace}/${object.metadata.name}`;
      if (type === "delete") this.#services.delete(id);
      else this.#services.set(id, serviceMesh(object, this.#newResolver));
    }
    this.#isSynced = isSynced;
    this.#tell();
  }

  #tell(): void {
    if (!this.#isSynced) return;
    const meshes = [...this.#services.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
    const config: MeshConfig = {
      listeners: meshes.flatMap(([, { listeners }]) => listeners),
      clusters: new Map(
        meshes.flatMap(([, { clusters }]) => clusters.map((each) => [each.name, each] as const)),
      ),
    };
    this.#listener?.onConfig(config);
  }
}
