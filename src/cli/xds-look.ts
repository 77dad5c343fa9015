/**
 * A look at an `xds` target from here: the bootstrap of the environment, one client, and the
 * configuration that the server has for the target, as it comes.
 */
import { type Discovery, parseTarget } from "../discovery/index.ts";
import type { MeshConfig, XdsSource } from "../mesh/index.ts";
import { openFor } from "./discovery.ts";
import type { KubernetesOptions } from "./kubernetes-options.ts";
import { openXdsOrigin } from "./mesh-run.ts";
import type { System } from "./system.ts";
import { troubleOf, type XdsParts, xdsPartsOf } from "./xds-view.ts";

/** See the head of this file. */
export class XdsLook {
  readonly #discovery: Discovery;
  readonly #source: XdsSource;
  /** The last one; null while none has come. Without a listener there is no such target. */
  config: MeshConfig | null = null;
  /** What is wrong now; null when nothing is. */
  trouble: string | null = null;

  private constructor(discovery: Discovery, source: XdsSource) {
    this.#discovery = discovery;
    this.#source = source;
  }

  /** One that is not started. @throws CommandError (rejects) when the bootstrap cannot be used. */
  static async open(target: string, options: KubernetesOptions, system: System): Promise<XdsLook> {
    const parsed = parseTarget(target);
    const name = parsed.kind === "xds" ? parsed.name : target;
    const discovery = await openFor([], options, system);
    const origin = { kind: "xds", target: name } as const;
    return new XdsLook(discovery, await openXdsOrigin(origin, options, discovery, system));
  }

  /** Begins. @param onChange is called after each change of configuration or trouble. */
  start(onChange: () => void): void {
    this.#source.start({
      onConfig: (config) => {
        this.config = config;
        this.trouble = null;
        onChange();
      },
      onError: (reason) => {
        this.trouble = reason;
        onChange();
      },
    });
  }

  /** Routes and resources as they are now. */
  parts(): XdsParts {
    return xdsPartsOf(this.config, this.#source.status());
  }

  /** Why nothing can be said of the target, or not all; null when nothing is wrong. */
  get reason(): string | null {
    return this.trouble ?? troubleOf(this.#source.status());
  }

  close(): void {
    this.#source.close();
    this.#discovery.close();
  }
}
