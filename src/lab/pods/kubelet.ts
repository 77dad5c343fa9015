/**
 * The lab's end of the kubelet process: which pods are to be probed, and what came of it.
 *
 * What a probe is stands in `programs/kubelet.ts`.
 */
import type { Child, Children } from "../system/children.ts";
import type { Pod } from "./pod.ts";

/** A kubelet at work. */
export class Kubelet {
  readonly #child: Child;
  #probed = "";

  /** Starts the process. `onProbed` is called when a pod turns ready or not. */
  constructor(children: Children, onProbed: (name: string, isReady: boolean) => void) {
    this.#child = children.program("kubelet", "kubelet", []);
    this.#child.onMessage((message) => {
      if (message.type === "probed") onProbed(message.name, message.isReady);
    });
  }

  /** These pods, and no others, are probed from now on. A new one is taken to be ready. */
  probe(pods: readonly Pod[]): void {
    const names = pods.map(({ name }) => name).join();
    if (names === this.#probed) return;
    this.#probed = names;
    this.#child.send({
      type: "probe",
      pods: pods.map(({ name, address }) => ({ name, address })),
    });
  }
}
