/**
 * What stands before a pod and spoils its network: a TCP relay on loopback that, when told so, is
 * slow, holds all bytes back (a node that died without a FIN), resets, or refuses.
 *
 * It reads no byte of what it relays. In this process, because tests tell it what to do.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

/** How late bytes are relayed; "held": not at all. */
export type Delay = number | "held";

interface Pair {
  readonly outer: Socket;
  readonly inner: Socket;
}

/** See the head of this file. */
export class Gate {
  readonly #host: string;
  readonly #port: number;
  readonly #innerHost: string;
  readonly #pairs = new Set<Pair>();
  #server: Server | null = null;
  #delay: Delay = 0;
  /** What is to be done, in order, and when; Infinity for what is held. */
  #steps: { dueMs: number; readonly run: () => void }[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** Between `host` and `innerHost`, on the same port. */
  constructor(host: string, innerHost: string, port: number) {
    this.#host = host;
    this.#port = port;
    this.#innerHost = innerHost;
  }

  /** Accepts connections. */
  async open(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (outer) => {
      this.#join(outer);
    });
    await new Promise<void>((done, failed) => {
      server.once("error", failed);
      server.listen(this.#port, this.#host, done);
    });
    this.#server = server;
  }

  /** Refuses connections; those that are open stay. */
  refuse(): void {
    this.#server?.close();
    this.#server = null;
  }

  /** Resets every connection (RST), on both sides. */
  reset(): void {
    for (const { outer, inner } of this.#pairs) {
      outer.resetAndDestroy();
      inner.resetAndDestroy();
    }
    this.#pairs.clear();
    this.#steps = [];
  }

  /** Bytes are relayed so much later from now on, in order. */
  delay(delay: Delay): void {
    this.#delay = delay;
    if (delay === "held") return;
    for (const step of this.#steps) {
      if (step.dueMs === Number.POSITIVE_INFINITY) step.dueMs = Date.now() + delay;
    }
    this.#run();
  }

  /** Ends all. */
  close(): void {
    this.refuse();
    this.reset();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #join(outer: Socket): void {
    const inner = connect({
      ...{ host: this.#innerHost, port: this.#port },
      ...{ allowHalfOpen: true, noDelay: true },
    });
    const pair = { outer, inner };
    this.#pairs.add(pair);
    this.#relay(outer, inner);
    this.#relay(inner, outer);
    // One that is over in whichever way is over for the other side too.
    const end = (other: Socket) => (): void => {
      this.#later(() => other.resetAndDestroy());
    };
    outer.on("error", end(inner));
    inner.on("error", end(outer));
    outer.on("close", () => this.#pairs.delete(pair));
  }

  #relay(from: Socket, to: Socket): void {
    from.on("data", (bytes) => this.#later(() => to.writable && to.write(bytes)));
    from.on("end", () => this.#later(() => to.end()));
  }

  /** One queue for all: what comes later is done later, whatever the delay was meanwhile. */
  #later(run: () => void): void {
    if (this.#delay === 0 && this.#steps.length === 0) {
      run();
      return;
    }
    const ms = this.#delay === "held" ? Number.POSITIVE_INFINITY : this.#delay;
    this.#steps.push({ dueMs: Date.now() + ms, run });
    this.#run();
  }

  #run(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    while (this.#steps.length > 0 && this.#steps[0].dueMs <= Date.now()) this.#steps.shift()!.run();
    const next = this.#steps[0]?.dueMs ?? Number.POSITIVE_INFINITY;
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#run(), next - Date.now());
  }
}
