/**
 * Pods that came while a lane ran, and how soon each of them got its first call there.
 *
 * Pure: times are arguments, in epoch milliseconds, because the lab knows when a pod became ready
 * and the lane's client, another process, when it was first answered by it. Either may be told
 * first.
 */

/** What became of one new pod. Both times are null when it has calls, but not since when. */
export interface NewPodFigures {
  readonly pod: string;
  /** From its being ready to its first answered call; null before that. */
  readonly firstCallMs: number | null;
  /** How long it has waited for one; null when it has had one. */
  readonly waitsMs: number | null;
}

/** A pod that came. */
interface NewPod {
  readonly readyAtMs: number;
  firstCallMs: number | null;
  isWaiting: boolean;
}

/** Keeps them until they go. */
export class NewPods {
  readonly #pods = new Map<string, NewPod>();
  /** When a pod first answered, of those of which it was told. */
  readonly #firstAnswers = new Map<string, number>();

  /** The pod is ready from `epochMs` on. Told again of one that is known, it does nothing. */
  ready(pod: string, epochMs: number): void {
    if (this.#pods.has(pod)) return;
    this.#pods.set(pod, { readyAtMs: epochMs, firstCallMs: null, isWaiting: true });
    const answeredAtMs = this.#firstAnswers.get(pod);
    if (answeredAtMs !== undefined) this.#serve(pod, answeredAtMs);
  }

  /** The pod answered its first call at `epochMs`. */
  answered(pod: string, epochMs: number): void {
    if (this.#firstAnswers.has(pod)) return;
    this.#firstAnswers.set(pod, epochMs);
    this.#serve(pod, epochMs);
  }

  /** The pod has answered calls: one that came back under its old name waits no more. */
  used(pod: string): void {
    const known = this.#pods.get(pod);
    if (known) known.isWaiting = false;
  }

  /** The pod has gone. Should it come back, it is new. */
  gone(pod: string): void {
    this.#pods.delete(pod);
    this.#firstAnswers.delete(pod);
  }

  /**
   * Those of `pods`, in the order in which they came. Without `nowEpochMs` nobody is said to wait.
   */
  figures(pods: ReadonlyMap<string, unknown>, nowEpochMs: number | null): NewPodFigures[] {
    return [...this.#pods]
      .filter(([pod]) => pods.has(pod))
      .toSorted(([, a], [, b]) => a.readyAtMs - b.readyAtMs)
      .map(([pod, { readyAtMs, firstCallMs, isWaiting }]) => {
        const waits = isWaiting && nowEpochMs !== null;
        return { pod, firstCallMs, waitsMs: waits ? Math.max(0, nowEpochMs - readyAtMs) : null };
      });
  }

  #serve(pod: string, epochMs: number): void {
    const known = this.#pods.get(pod);
    if (!known) return;
    known.isWaiting = false;
    known.firstCallMs = Math.max(0, epochMs - known.readyAtMs);
  }
}
