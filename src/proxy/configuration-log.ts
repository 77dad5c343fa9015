/** What is logged of configurations of a proxy of many targets, and of what is wrong with them. */
import type { Logger } from "../base/index.ts";
import type { MeshConfig } from "../mesh/index.ts";

/** See the head of this file. */
export class ConfigurationLog {
  readonly #log: Logger;
  readonly #serves: string;
  #config: MeshConfig | null = null;
  /** What is wrong, as it was told since the last configuration. */
  #told: string | null = null;

  /** @param serves for people. */
  constructor(log: Logger, serves: string) {
    this.#log = log;
    this.#serves = serves;
  }

  /** One is in force. */
  onConfig(config: MeshConfig): void {
    this.#config = config;
    this.#told = null;
  }

  /** Tells of the one in force. */
  tell({ listeners, clusters }: MeshConfig): void {
    const fields = { serves: this.#serves, listeners: listeners.length, clusters: clusters.size };
    if (listeners.length > 0) this.#log.info("configuration", fields);
    // Such as that of a Gateway that does not exist: nobody can connect.
    else this.#log.warn("configuration without a listener: nothing is served", fields);
  }

  /** One is missing or wrong: told once, by however many watches of a source it is heard. */
  onError(reason: string): void {
    if (reason === this.#told) return;
    this.#told = reason;
    this.#log.warn(this.#consequence(), { serves: this.#serves, reason });
  }

  #consequence(): string {
    if (this.#config === null) return "no configuration yet";
    // It may be why there is none: the certificate of the only one was deleted.
    if (this.#config.listeners.length === 0) return "nothing is served";
    return "configuration: the last good one stays";
  }
}
