/** The limit of captured connections, those that pass through included. */
import type { Socket } from "node:net";

/** See the head of this file. */
export class Admission {
  readonly #most: number;
  #open = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts a socket until it closes; or closes it, when it is one too many: false. */
  tryAdmit(socket: Socket): boolean {
    if (this.#open >= this.#most) {
      socket.destroy();
      return false;
    }
    this.#open += 1;
    socket.once("close", () => {
      this.#open -= 1;
    });
    return true;
  }
}
