/**
 * The limit of captured connections, those that pass through included: each counts until all of its
 * sockets are closed.
 */
import type { Socket } from "node:net";

/** What one connection takes of the limit. */
export interface Place {
  /** It is taken until this socket closes, too. */
  hold(socket: Socket): void;
}

/** See the head of this file. */
export class Admission {
  readonly #most: number;
  #open = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts a socket; or closes it, when it is one too many: null. */
  tryAdmit(socket: Socket): Place | null {
    if (this.#open >= this.#most) {
      socket.destroy();
      return null;
    }
    this.#open += 1;
    let held = 0;
    const hold = (one: Socket): void => {
      held += 1;
      one.once("close", () => {
        held -= 1;
        if (held === 0) this.#open -= 1;
      });
    };
    hold(socket);
    return { hold };
  }
}
