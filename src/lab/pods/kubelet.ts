/**
 * The lab's end of the kubelet process: which pods are to be probed, and what came of it. One that
 * ends by itself is started anew, as a node's is, and goes on where it was.
 *
 * What a probe is stands in `programs/kubelet.ts`.
 */
import type { Clock } from "../../base/index.ts";
import type { ProbedPod } from "../messages.ts";
import type { Child, Children } from "../system/children.ts";
import type { Pod } from "./pod.ts";

/** One that ends as soon as it has begun is not started all the time. */
const RESTART_MS = 500;

/** What it is made with. */
export interface KubeletDeps {
  readonly children: Children;
  readonly clock: Clock;
  /** A pod has turned ready or not. */
  readonly onProbed: (name: string, isReady: boolean) => void;
}

/** A kubelet at work. */
export class Kubelet {
  readonly #deps: KubeletDeps;
  #child: Child;
  #pods: readonly ProbedPod[] = [];

  /** Starts the process. */
  constructor(deps: KubeletDeps) {
    this.#deps = deps;
    this.#child = this.#start();
  }

  /** These pods, and no others, are probed from now on. A new one is taken to be ready. */
  probe(pods: readonly Pod[]): void {
    const before = new Map(this.#pods.map((pod) => [pod.name, pod]));
    const isSame = pods.length === before.size && pods.every(({ name }) => before.has(name));
    if (isSame) return;
    this.#pods = pods.map(({ name, address }) => {
      return before.get(name) ?? { name, address, isReady: true };
    });
    this.#tell();
  }

  #start(): Child {
    const { children, clock } = this.#deps;
    const child = children.program("kubelet", "kubelet", []);
    child.onMessage((message) => {
      if (message.type === "probed") this.#onProbed(message.name, message.isReady);
    });
    child.ended.then(() => {
      if (children.isClosed) return;
      clock.setTimer(RESTART_MS, () => this.#restart()).unref();
    });
    return child;
  }

  #restart(): void {
    if (this.#deps.children.isClosed) return;
    this.#child = this.#start();
    this.#tell();
  }

  #tell(): void {
    this.#child.send({ type: "probe", pods: this.#pods });
  }

  #onProbed(name: string, isReady: boolean): void {
    this.#pods = this.#pods.map((pod) => (pod.name === name ? { ...pod, isReady } : pod));
    this.#deps.onProbed(name, isReady);
  }
}
