/**
 * What stands in a lab for the control plane of a cluster: API server, DNS server, and the file by
 * which programs find the first. It knows no pod and no lane.
 */
import { type Clock, realRng } from "../../base/index.ts";
import { type LabCluster, type Objects, StoreZone, startCluster } from "../cluster/index.ts";
import { LabDns } from "../dns/index.ts";
import { LabError } from "../error.ts";
import type { KubernetesAccess } from "../messages.ts";
import type { PodNetwork } from "../pods/pod-network.ts";
import { LAB_TARGET } from "../pods/pod-objects.ts";
import { type KubeconfigFile, writeKubeconfig } from "../system/kubeconfig.ts";
import type { LabView } from "../view.ts";

/** Both servers, from start to end. */
export class ControlPlane {
  readonly #clock: Clock;
  readonly #network: PodNetwork;
  #cluster: LabCluster | null = null;
  #zone: StoreZone | null = null;
  #dns: LabDns | null = null;
  #kubeconfig: KubeconfigFile | null = null;
  #isClosed = false;

  constructor(clock: Clock, network: PodNetwork) {
    this.#clock = clock;
    this.#network = network;
  }

  /** What the API server has. It, and all below but `access`, are there once it has started. */
  get objects(): Objects {
    return this.#cluster!.objects;
  }

  /** The same as DNS has it. */
  get zone(): StoreZone {
    return this.#zone!;
  }

  /** How the lab's own processes find the API server. */
  get kubernetes(): KubernetesAccess {
    return { kubeconfig: this.#kubeconfig!.path, server: new URL(this.#cluster!.url).host };
  }

  /** How other programs find it and the pods; null before, and where it is out of their reach. */
  get access(): LabView["access"] {
    const path = this.#kubeconfig?.path;
    if (this.#network.isIsolated || path === undefined) return null;
    return { kubeconfig: path, target: LAB_TARGET };
  }

  /** Starts the API server. Throws `LabError` when it was closed meanwhile. */
  async start(): Promise<void> {
    const { apiServer: host, isIsolated } = this.#network;
    const clock = this.#clock;
    const cluster = await startCluster({ clock, rng: realRng(), host, isIsolated });
    this.#cluster = cluster;
    this.#zone = new StoreZone(cluster.objects.store);
    this.#dns = new LabDns({ clock, zone: this.#zone });
    if (this.#isClosed) {
      await cluster.close();
      throw new LabError("the lab is ending");
    }
    this.#kubeconfig = writeKubeconfig(cluster.url);
  }

  /** Starts the DNS server; resolves with its ip:port. */
  async listen(): Promise<string> {
    const address = await this.#dns!.listen();
    if (this.#isClosed) await this.#dns!.close();
    return address;
  }

  /** Nothing is started from now on; what has is closed by `close`. */
  refuse(): void {
    this.#isClosed = true;
  }

  /** Ends both. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const removed = this.#kubeconfig?.remove();
    await Promise.all([removed, this.#dns?.close(), this.#cluster?.close()]);
  }
}
