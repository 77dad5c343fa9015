/**
 * Asks a child process what it knows, over its IPC channel.
 */
import type { Clock } from "../../base/index.ts";
import { LabError } from "../error.ts";
import type { Child } from "../system/children.ts";
import type { CarriedMessage, KnownMessage } from "./messages.ts";

/** A busy machine answers late; later than this is no answer. */
export const ANSWER_TIMEOUT_MS = 3000;

interface Answers {
  readonly known: KnownMessage;
  readonly carried: CarriedMessage;
}

/** Asks one child. */
export class Asker<T extends keyof Answers> {
  readonly #child: Child;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, (answer: Answers[T]) => void>();
  #asked = 0;

  /** @param type of its answers. */
  constructor(child: Child, type: T, clock: Clock) {
    this.#child = child;
    this.#clock = clock;
    child.onMessage((message) => {
      if (message.type === type) this.#onAnswer(message as Answers[T]);
    });
  }

  /** Rejects with `LabError` when it has ended, or does not answer in time. */
  ask(): Promise<Answers[T]> {
    const child = this.#child;
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(ANSWER_TIMEOUT_MS, () => {
        fail(`did not answer within ${ANSWER_TIMEOUT_MS / 1000} s`);
      });
      const fail = (how: string): void => {
        this.#waiting.delete(id);
        timer.cancel();
        reject(new LabError(`${child.label} ${how}`));
      };
      child.ended.then(() => fail(child.endReason));
      this.#waiting.set(id, (answer) => {
        timer.cancel();
        resolve(answer);
      });
      child.send({ type: "why", id });
    });
  }

  #onAnswer(answer: Answers[T]): void {
    const take = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    take?.(answer);
  }
}
