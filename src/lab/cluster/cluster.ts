/**
 * A small cluster's control plane in this process: API server and endpointslice controller on one
 * store, with the commands that tests and the lab give it.
 *
 * Composition only. For a control plane of its own process see `programs/apiserver.ts`, which makes
 * one of these and lets it be driven over HTTP (`control.ts`).
 */
import type { Clock, Rng } from "../../base/index.ts";
import { Access, type User } from "./access.ts";
import type { CertificatePair } from "./certificates.ts";
import { EndpointSliceController } from "./controller/controller.ts";
import { duplicateEndpoints, mergeDuplicates } from "./duplicates.ts";
import { Faults } from "./faults.ts";
import { type Journal, openJournal } from "./journal.ts";
import { Objects } from "./objects.ts";
import { type ApiServer, serveApi } from "./server.ts";
import { HISTORY_EVENTS_MAX, Store } from "./store.ts";

/** What to make. */
export interface ClusterOptions {
  readonly clock: Clock;
  readonly rng: Rng;
  /** A loopback address; 127.0.0.1 unless given. */
  readonly host?: string;
  /** We are in a network namespace of our own: `host` may be any address. */
  readonly isIsolated?: boolean;
  /** Any unless given. */
  readonly port?: number;
  /** HTTPS with this; HTTP without. */
  readonly tls?: CertificatePair & { readonly clientCa?: string };
  /** Who may do what; without anybody, everybody may do everything. */
  readonly users?: readonly User[];
  /** Keeps the state beyond the process. */
  readonly journalFile?: string;
  /** Changes kept; watches from before them get 410. */
  readonly historyMax?: number;
  /** Forgets the history of earlier runs at the start. */
  readonly startsCompacted?: boolean;
  /** False: nobody writes EndpointSlices but clients. */
  readonly hasController?: boolean;
}

/** Namespaces that every cluster has. */
const NAMESPACES = ["default", "kube-node-lease", "kube-public", "kube-system"];

/** A control plane that runs. */
export interface LabCluster {
  /** Of the API server: "http://127.0.0.1:6443". */
  readonly url: string;
  /** Writes without HTTP. */
  readonly objects: Objects;
  readonly access: Access;
  readonly faults: Faults;
  /** Another one after each `restart`. */
  readonly server: ApiServer;
  readonly controller: EndpointSliceController | null;
  /** Forgets all history: a watch or list from before gets 410. */
  compact(): void;
  /** Copies the endpoints of each slice of a Service into another, as they are while they move. */
  duplicateEndpoints(namespace: string, service: string): void;
  /** Removes these copies. */
  mergeDuplicates(namespace: string, service: string): void;
  /** The API server is gone, connections are refused. Objects and controller stay. */
  stop(): Promise<void>;
  /** It is back on its port, once it was stopped. Rejects with the system's error if it cannot. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Starts one. Rejects when it cannot listen, or the journal cannot be read. */
export async function startCluster(options: ClusterOptions): Promise<LabCluster> {
  const { clock, rng, host = "127.0.0.1", port = 0, tls, hasController = true } = options;
  const { isIsolated = false } = options;
  const store = new Store(options.historyMax ?? HISTORY_EVENTS_MAX);
  const file = options.journalFile;
  const journal: Journal | null = file === undefined ? null : openJournal(file, store);
  const objects = new Objects({ store, clock, rng });
  for (const name of NAMESPACES) {
    if (store.get("Namespace", name)) continue;
    objects.create("Namespace", "", { metadata: { name } });
  }
  const compact = (): void => {
    if (journal === null) store.compact();
    else journal.compact();
  };
  if (options.startsCompacted === true) compact();
  const access = new Access(store, options.users);
  const faults = new Faults();
  const deps = { objects, access, faults, clock };
  const place = { host, isIsolated, ...(tls ? { tls } : {}) };
  let server = await serveApi({ ...place, port }, deps);
  const controller = hasController ? new EndpointSliceController({ objects, clock }) : null;
  return {
    ...{ url: server.url, objects, access, faults, controller, compact },
    get server() {
      return server;
    },
    duplicateEndpoints: (namespace, service) => duplicateEndpoints(objects, namespace, service),
    mergeDuplicates: (namespace, service) => mergeDuplicates(objects, namespace, service),
    stop: () => server.close(),
    restart: async () => {
      server = await serveApi({ ...place, port: server.port }, deps);
    },
    close: async () => {
      controller?.close();
      await server.close();
      journal?.close();
    },
  };
}
