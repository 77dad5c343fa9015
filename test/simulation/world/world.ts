/**
 * One simulated world: a virtual clock, seeded chance, and the loops of its processes.
 *
 * Everything in it is a function of the seed: each part draws from a source of its own, named by
 * it, so that one part more does not change what the others draw.
 */
import { type Rng, seededRng, VirtualClock } from "../../../src/base/index.ts";
import { TransportLoop } from "../../../src/transport/index.ts";

/** See the head of this file. */
export class World {
  readonly clock = new VirtualClock();
  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** A source of chance for the part of that name. */
  rng(name: string): Rng {
    return seededRng(hashOf(`${this.seed}/${name}`));
  }

  /** The transport's loop of one process: its turns end as soon as time may pass. */
  newLoop(): TransportLoop {
    const { clock } = this;
    return new TransportLoop(clock, (fn) => clock.setTimer(0, fn));
  }

  /** Now, in ms since the world began. */
  get nowMs(): number {
    return this.clock.nowMs();
  }

  /** Calls `fn` in `delayMs`. */
  after(delayMs: number, fn: () => void): void {
    this.clock.setTimer(delayMs, fn);
  }

  /** Lets time pass. */
  run(ms: number): void {
    this.clock.advance(ms);
  }
}

/** FNV-1a over 53 bits, in two halves: a seed of its own for every text. */
function hashOf(text: string): number {
  let [low, high] = [0x811c9dc5, 0x01000193];
  for (let i = 0; i < text.length; i += 1) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193) >>> 0;
    high = Math.imul(high ^ (low >>> 7), 0x85ebca6b) >>> 0;
  }
  return (high & 0x1fffff) * 2 ** 32 + low;
}
