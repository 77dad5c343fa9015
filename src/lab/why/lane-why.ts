/**
 * One lane asked why: gathers what its client, and who else chooses in it, know at this moment.
 */
import type { Clock } from "../../base/index.ts";
import type { Child } from "../system/children.ts";
import { askAdmin, askProxies } from "./admin.ts";
import { Asker } from "./asker.ts";
import type { Chooser } from "./chooser.ts";
import { envoyHosts } from "./envoy.ts";
import type { Evidence, Known } from "./evidence.ts";
import type { View } from "./view-rows.ts";

/** What was gathered: the part of the evidence that is the lane's own. */
export type Gathered = Pick<Evidence, "chooser" | "known" | "views" | "carried" | "hosts">;

/** Asks one lane; questions that come while one is under way share its answer. */
export class LaneWhy {
  readonly #client: Asker<"known">;
  readonly #clock: Clock;
  readonly #chooser: Chooser;
  #gathering: Promise<Gathered> | null = null;

  /** @param client its caller, which is open. */
  constructor(client: Child, chooser: Chooser, clock: Clock) {
    this.#client = new Asker(client, "known", clock);
    this.#chooser = chooser;
    this.#clock = clock;
  }

  /** Rejects with `LabError` when one of those that know does not answer. */
  gather(): Promise<Gathered> {
    this.#gathering ??= this.#gather().finally(() => {
      this.#gathering = null;
    });
    return this.#gathering;
  }

  /**
   * What those of fairlead's that choose have of their pods; empty where none does. Rejects as
   * `gather`.
   */
  async views(): Promise<readonly View[]> {
    if (this.#chooser.by === "proxies") return askProxies(this.#chooser.all(), this.#clock);
    return this.#chooser.by === "channel" ? viewOf(await this.#client.ask()) : [];
  }

  async #gather(): Promise<Gathered> {
    const chooser = this.#chooser;
    const clock = this.#clock;
    const [known, proxies, all, hosts] = await Promise.all([
      this.#client.ask(),
      chooser.by === "proxies" ? askProxies(chooser.all(), clock) : [],
      chooser.by === "service" ? chooser.carried() : [],
      chooser.by === "envoy" ? askAdmin("Envoy", chooser.admin, CLUSTERS, clock) : null,
    ]);
    const sinceMs = new Map(known.sockets.map((socket) => [socket.local, socket.sinceMs]));
    return {
      chooser,
      known,
      views: chooser.by === "channel" ? viewOf(known) : proxies,
      // Of this client; others of the lab may use the same Service.
      carried: all.flatMap((given) => {
        const since = sinceMs.get(given.from);
        return since === undefined ? [] : [{ ...given, sinceMs: since }];
      }),
      hosts: hosts === null ? [] : envoyHosts(hosts),
    };
  }
}

const CLUSTERS = "/clusters?format=json";

function viewOf({ view }: Known): readonly View[] {
  return view === null ? [] : [{ via: null, view }];
}
