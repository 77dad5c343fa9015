/**
 * Carries out what is done to a running lab, and keeps the list of it: the markers on the page, the
 * line in the terminal, the JSON's `events`.
 *
 * It chooses the pod when nobody names one. How pods are slowed, killed or rolled is the
 * deployment's matter; what comes of it, the lanes'.
 */
import { type Action, type ActionWord, actionText, newAction } from "./actions.ts";
import { LabError } from "./error.ts";
import type { Replicas } from "./lanes/index.ts";
import type { Deployment } from "./pods/deployment.ts";
import type { LabEvent } from "./view.ts";

/** How much slower a slow pod is. */
const SLOW_FACTOR = 10;
/** Older ones go. */
const EVENTS_MAX = 500;

/** What it works with. */
export interface ControlsDeps {
  readonly deployment: Deployment;
  /** Of the lane that has proxy replicas, or null when there is none. */
  replicas(): Replicas | null;
  /** Ms of load. */
  elapsedMs(): number;
  /** How many columns of history are complete. */
  columns(): number;
  /** Called for each event as it happens. */
  onEvent(event: LabEvent): void;
  /** Called when what was asked for did not come to its end. */
  onProblem(reason: string): void;
}

/** The controls of one lab. */
export class Controls {
  readonly #deps: ControlsDeps;
  readonly #events: LabEvent[] = [];
  /** Pods that were told to die, and have not yet. */
  readonly #dying = new Set<string>();

  readonly #doings: Readonly<Partial<Record<ActionWord, (action: Action) => void>>> = {
    slow: (action) => {
      const slow = (pod: string): void => this.#deps.deployment.slow(pod, SLOW_FACTOR);
      this.#doTo([this.#oneOf(action)], action, `slow x${SLOW_FACTOR}`, slow);
    },
    heal: (action) => {
      const { deployment } = this.#deps;
      const pods = named(action, deployment.slowed, "slow");
      this.#doTo(pods, action, "as fast as before", (pod) => deployment.slow(pod, 1));
    },
    "not-serving": (action) => {
      const stop = (pod: string): void => this.#deps.deployment.setServing(pod, false);
      this.#doTo([this.#oneOf(action)], action, "NOT_SERVING", stop);
    },
    serving: (action) => {
      const { deployment } = this.#deps;
      const pods = named(action, deployment.notServing, "NOT_SERVING");
      this.#doTo(pods, action, "SERVING", (pod) => deployment.setServing(pod, true));
    },
    kill: (action) => {
      const kill = (pod: string): void => {
        this.#deps.deployment.kill(pod);
        this.#dying.add(pod);
      };
      this.#doTo([this.#oneOf(action)], action, "killed", kill);
    },
    roll: () => {
      const { deployment } = this.#deps;
      this.#record("roll", null, `rolling ${deployment.wanted} pods`);
      const done = (): void => this.#record("rolled", null, "all pods replaced", true);
      this.#follow(deployment.roll(), done);
    },
    scale: (action) => {
      this.#record(actionText(action), null, `scaling to ${action.count} pods`);
      this.#follow(this.#deps.deployment.scale(action.count!), () => {});
    },
    replica: () => {
      const replicas = this.#deps.replicas();
      if (replicas === null) throw new LabError("a proxy replica needs the lane nested");
      this.#follow(replicas.add(), (name) => this.#record("replica", null, `${name} started`));
    },
  };

  constructor(deps: ControlsDeps) {
    this.#deps = deps;
    deps.deployment.onDeath((name, replaced) => {
      if (!this.#dying.delete(name)) this.#record(`died=${name}`, name, `${name} died`);
      this.#follow(replaced, (by) => {
        if (by === null) return;
        this.#record(`replaced=${name}`, name, `${by} in place of ${name}`, true);
      });
    });
  }

  /** What was done and what came of it, oldest first. */
  get events(): readonly LabEvent[] {
    return this.#events;
  }

  /** Does it. Answers why not, in one sentence, or null; what takes time goes on behind it. */
  act(action: Action): string | null {
    try {
      const done = this.#doings[action.word];
      if (!done) throw new LabError(`${action.word} cannot be done while the lab runs`);
      done(action);
      return null;
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      return error.message;
    }
  }

  #doTo(
    pods: readonly string[],
    { word }: Action,
    words: string,
    change: (pod: string) => void,
  ): void {
    for (const pod of pods) {
      change(pod);
      this.#record(actionText(newAction(word, { pod })), pod, `${pod} ${words}`);
    }
  }

  /** The pod that is named, or one that serves as usual if there is one. */
  #oneOf(action: Action): string {
    if (action.pod !== null) return action.pod;
    const { ready, slowed, notServing } = this.#deps.deployment;
    const names = ready.map(({ name }) => name);
    const usual = names.find((name) => !slowed.includes(name) && !notServing.includes(name));
    const pod = usual ?? names[0];
    if (pod === undefined) throw new LabError("no pod is ready");
    return pod;
  }

  #follow<T>(outcome: Promise<T>, then: (value: T) => void): void {
    outcome.then(then, (error: unknown) => {
      if (!(error instanceof LabError)) throw error;
      this.#deps.onProblem(error.message);
    });
  }

  #record(event: string, pod: string | null, text: string, isOutcome = false): void {
    const { elapsedMs, columns, onEvent } = this.#deps;
    const atMs = Math.round(elapsedMs());
    const record = { atMs, event, isOutcome, pod, text, column: columns() };
    this.#events.push(record);
    if (this.#events.length > EVENTS_MAX) this.#events.shift();
    onEvent(record);
  }
}

/** The pod that the action names, or all that it can be done to. */
function named({ pod }: Action, all: readonly string[], what: string): readonly string[] {
  if (pod !== null) return [pod];
  if (all.length === 0) throw new LabError(`no pod is ${what}`);
  return all;
}
