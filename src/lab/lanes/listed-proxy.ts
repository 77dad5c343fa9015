/**
 * A proxy of others whose configuration lists the pods: it is written anew when pods come or go,
 * and the proxy told to read it again, as an ingress controller does.
 */
import type { Clock, Timer } from "../../base/index.ts";
import { LabError } from "../error.ts";
import type { Child } from "../system/children.ts";
import { TemporaryDirectory } from "../system/temporary-directory.ts";
import { breaksWithout } from "./broken.ts";
import { freePorts } from "./free-ports.ts";
import type { Dial, LaneEnv } from "./lane.ts";
import { type PeerName, peerPath, takesConnections, untilUp } from "./peer-program.ts";

/** Changes that come closer to each other than that are one: each leaves an old worker behind. */
const RELOAD_EVERY_MS = 500;
/** Of ports, which somebody else may have taken meanwhile. */
const TRIES = 3;
const HOST = "127.0.0.1";

/** What its configuration says. */
export interface ListedPlan {
  /** A directory that it may write to. */
  readonly directory: string;
  /** Where it listens: ip:port. */
  readonly listen: string;
  /** ip:port of each pod. */
  readonly pods: readonly string[];
}

/** How one of them is run. */
export interface ListedProxy {
  readonly name: PeerName;
  config(plan: ListedPlan): string;
  /** Its arguments, with its configuration in `file`. */
  args(file: string, directory: string): readonly string[];
  /** Has it read its configuration again. */
  readonly reloadSignal: NodeJS.Signals;
}

/** Starts one and has it follow the pods. Throws `LabError` with the reason if it cannot. */
export async function openListed(proxy: ListedProxy, env: LaneEnv): Promise<Dial> {
  await env.podsReady;
  const directory = new TemporaryDirectory();
  try {
    const running = await start(proxy, directory, env);
    breaksWithout(running.child, env);
    const unsubscribe = env.pods.onChange(() => running.follow());
    running.follow();
    return {
      ...{ target: running.listen, serviceConfig: "", connections: 1 },
      chooser: { by: "other", who: proxy.name, listed: () => running.listed },
      close: async () => {
        unsubscribe();
        running.close();
        await directory.remove();
      },
    };
  } catch (error) {
    await directory.remove();
    throw error;
  }
}

async function start(
  proxy: ListedProxy,
  directory: TemporaryDirectory,
  env: LaneEnv,
): Promise<RunningProxy> {
  const path = peerPath(proxy.name);
  for (let tries = 1; ; tries += 1) {
    const [port] = (await freePorts(1)) as [number];
    const running = new RunningProxy(proxy, directory, `${HOST}:${port}`, path, env);
    try {
      await untilUp(running.child, env.clock, () => takesConnections(HOST, port));
      // Else it was somebody else that took the connection.
      if (!running.saysPortTaken) return running;
      throw new LabError(`${proxy.name}: port ${port} was taken by somebody else`);
    } catch (error) {
      await env.children.end(running.child);
      if (!running.saysPortTaken || tries === TRIES) throw error;
    }
  }
}

/** One at work. */
class RunningProxy {
  readonly child: Child;
  readonly listen: string;
  readonly #proxy: ListedProxy;
  readonly #directory: TemporaryDirectory;
  readonly #env: LaneEnv;
  readonly #clock: Clock;
  #listed: string;
  #pause: Timer | null = null;
  #isOver = false;

  constructor(
    proxy: ListedProxy,
    directory: TemporaryDirectory,
    listen: string,
    path: string,
    env: LaneEnv,
  ) {
    this.#proxy = proxy;
    this.#directory = directory;
    this.#env = env;
    this.#clock = env.clock;
    this.listen = listen;
    this.#listed = this.#current().join();
    const args = proxy.args(this.#write(), directory.path);
    this.child = env.children.foreign(proxy.name, [path, ...args]);
    this.child.ended.then(() => this.close());
  }

  /** ip:port of each pod in its configuration, as it was last told to read it. */
  get listed(): readonly string[] {
    return this.#listed.split(",");
  }

  get saysPortTaken(): boolean {
    return /address already in use|cannot bind/i.test(this.child.stderr);
  }

  /** Lists the pods that take calls now. None leaves the list as it is: calls fail either way. */
  follow(): void {
    const current = this.#current();
    const isSame = current.length === 0 || current.join() === this.#listed;
    if (this.#isOver || this.#pause !== null || isSame) return;
    this.#listed = current.join();
    if (!this.#isWritten()) return;
    process.kill(this.child.pid!, this.#proxy.reloadSignal);
    this.#pause = this.#clock.setTimer(RELOAD_EVERY_MS, () => {
      this.#pause = null;
      this.follow();
    });
    this.#pause.unref();
  }

  /** Without room for its file it would go on with a list that is old: the lane is broken. */
  #isWritten(): boolean {
    try {
      this.#write();
      return true;
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      this.close();
      this.#env.onBroken(`${this.#proxy.name}: ${error.message}`);
      return false;
    }
  }

  /** It follows no more. */
  close(): void {
    this.#isOver = true;
    this.#pause?.cancel();
  }

  #current(): readonly string[] {
    return this.#env.pods.ready.map(({ address }) => address);
  }

  #write(): string {
    const { listen } = this;
    const plan = { directory: this.#directory.path, listen, pods: this.#listed.split(",") };
    return this.#directory.write(`${this.#proxy.name}.conf`, this.#proxy.config(plan));
  }
}
