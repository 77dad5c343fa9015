/**
 * Carries out what is done to a running lab, and keeps the list of it: the markers on the page, the
 * line in the terminal, the JSON's `events`.
 *
 * It chooses the pod when nobody names one. How pods are slowed, killed or rolled is the
 * deployment's matter; what lanes and load are, the lab's; what comes of it, the lanes'.
 */
import { type Action, type ActionWord, actionText, newAction } from "../actions.ts";
import { LabError } from "../error.ts";
import type { Deployment } from "../pods/deployment.ts";
import type { LabEvent } from "../view.ts";
import type { LoadSettings } from "./lane-link.ts";

/** How much slower a slow pod is. */
const SLOW_FACTOR = 10;
/** Older ones go. */
const EVENTS_MAX = 500;

/** What is controlled beside the pods. All throw `LabError`, with nothing done. */
export interface Controlled {
  setLoad(change: Partial<LoadSettings>): void;
  setPolicy(name: string): void;
  /** Whether fairlead's lanes eject pods that fail calls. */
  setOutliers(isOn: boolean): void;
  addLane(name: string): void;
  removeLane(name: string): void;
  /** Resolves when the proxies run again. */
  setPeers(isOn: boolean): Promise<void>;
  /** Resolves with the name of the new proxy, or null when its lane was taken away meanwhile. */
  addReplica(): Promise<string | null>;
  /** All as at the start; resolves when there are as many pods as then. */
  reset(): Promise<void>;
}

/** What it works with. */
export interface ControlsDeps {
  readonly deployment: Deployment;
  readonly lab: Controlled;
  /** Ms of load. */
  elapsedMs(): number;
  /** How many columns of history are complete. */
  columns(): number;
  /** Called for each event as it happens. */
  onEvent(event: LabEvent): void;
  /** Called when what was asked for did not come to its end. */
  onProblem(reason: string): void;
}

type Doing = (action: Action) => void;

/** The controls of one lab. */
export class Controls {
  readonly #deps: ControlsDeps;
  #events: LabEvent[] = [];
  /** Goes up with each reset: what was begun before is no event of what comes after. */
  #era = 0;
  /** Pods that were told to die, and have not yet; with the era they were told in. */
  readonly #dying = new Map<string, number>();
  /** How many outcomes are still to come. */
  #pending = 0;

  readonly #doings: Readonly<Record<ActionWord, Doing>>;

  constructor(deps: ControlsDeps) {
    this.#deps = deps;
    this.#doings = { ...this.#ofOnePod(), ...this.#ofManyPods(), ...this.#ofLanes() };
    deps.deployment.onDeath((name, replaced) => {
      const era = this.#dying.get(name);
      this.#dying.delete(name);
      if (era === undefined) this.#record(`died=${name}`, name, `${name} died`);
      else if (era !== this.#era) return;
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

  /** Nothing that was begun is still to come to its end. */
  get isSettled(): boolean {
    // One that was told to die and to go has gone without dying, as far as the deployment knows.
    const isDying = [...this.#dying.keys()].some((pod) => this.#isAlive(pod));
    return this.#pending === 0 && !isDying;
  }

  /** Does it. Answers why not, in one sentence, or null; what takes time goes on behind it. */
  act(action: Action): string | null {
    try {
      this.#doings[action.word](action);
      return null;
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      return error.message;
    }
  }

  #ofOnePod() {
    const { deployment } = this.#deps;
    const undo =
      (all: () => readonly string[], what: string, words: string, change: (pod: string) => void) =>
      (action: Action): void =>
        this.#doTo(named(action, all(), what), action, words, change);
    const doTo =
      (words: string, change: (pod: string) => void) =>
      (action: Action): void =>
        this.#doTo([this.#oneOf(action)], action, words, change);
    return {
      slow: doTo(`slow x${SLOW_FACTOR}`, (pod) => deployment.slow(pod, SLOW_FACTOR)),
      heal: undo(
        () => deployment.slowed,
        "slow",
        "as fast as before",
        (pod) => deployment.slow(pod, 1),
      ),
      "not-serving": doTo("NOT_SERVING", (pod) => deployment.setServing(pod, false)),
      serving: undo(
        () => deployment.notServing,
        "NOT_SERVING",
        "SERVING",
        (pod) => deployment.setServing(pod, true),
      ),
      sick: doTo("sick: UNAVAILABLE to every call", (pod) => deployment.setSick(pod, true)),
      well: undo(
        () => deployment.sick,
        "sick",
        "well again",
        (pod) => deployment.setSick(pod, false),
      ),
      kill: doTo("killed", (pod) => {
        deployment.kill(pod);
        this.#dying.set(pod, this.#era);
      }),
      drain: (action: Action): void => {
        const pod = this.#serving(this.#oneOf(action));
        const drained = deployment.drain(pod);
        this.#record(actionText(newAction("drain", { pod })), pod, `${pod} drained`);
        this.#follow(drained, () => this.#record(`drained=${pod}`, pod, `${pod} is gone`, true));
      },
    };
  }

  #ofManyPods() {
    const { deployment, lab } = this.#deps;
    return {
      roll: (): void => {
        this.#record("roll", null, `rolling ${deployment.wanted} pods`);
        const done = (): void => this.#record("rolled", null, "all pods replaced", true);
        this.#follow(deployment.roll(), done);
      },
      scale: (action: Action): void => {
        this.#record(actionText(action), null, `scaling to ${action.count} pods`);
        this.#follow(deployment.scale(action.count!), () => {});
      },
      reset: (): void => {
        this.#era += 1;
        this.#events = [];
        this.#follow(lab.reset(), () => {});
      },
    };
  }

  #ofLanes() {
    const { lab } = this.#deps;
    const done = (action: Action, text: string): void =>
      this.#record(actionText(action), null, text);
    return {
      load: (action: Action): void => {
        lab.setLoad({ callsPerSecond: action.count! });
        done(action, `${action.count} calls/s in each lane`);
      },
      "in-flight": (action: Action): void => {
        lab.setLoad({ inFlightMax: action.count! });
        done(action, `at most ${action.count} open calls in each lane`);
      },
      policy: (action: Action): void => {
        lab.setPolicy(action.name!);
        done(action, `policy ${action.name}`);
      },
      outliers: (action: Action): void => {
        lab.setOutliers(action.isOn!);
        done(action, action.isOn ? "pods that fail calls are ejected" : "no pod is ejected");
      },
      lane: (action: Action): void => {
        if (action.isOn) lab.addLane(action.name!);
        else lab.removeLane(action.name!);
        done(action, `lane ${action.name} ${action.isOn ? "added" : "taken away"}`);
      },
      peers: (action: Action): void => {
        const find = action.isOn ? "find each other" : "do not find each other";
        // Before it is told: it may be refused.
        const started = lab.setPeers(action.isOn!);
        done(action, `the proxies start anew, and ${find}`);
        this.#follow(started, () => {});
      },
      replica: (): void => {
        this.#follow(lab.addReplica(), (name) => {
          if (name !== null) this.#record("replica", null, `${name} started`);
        });
      },
    };
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
    const { ready, slowed, notServing, sick } = this.#deps.deployment;
    const unusual = [...slowed, ...notServing, ...sick];
    const names = ready.map(({ name }) => name);
    const pod = names.find((name) => !unusual.includes(name)) ?? names[0];
    if (pod === undefined) throw new LabError("no pod is ready");
    return pod;
  }

  /** The same pod, if it serves. */
  #serving(pod: string): string {
    if (this.#isAlive(pod)) return pod;
    throw new LabError(`${pod}: no pod of this name serves`);
  }

  #isAlive(pod: string): boolean {
    return this.#deps.deployment.alive.some(({ name }) => name === pod);
  }

  #follow<T>(outcome: Promise<T>, then: (value: T) => void): void {
    const era = this.#era;
    const onProblem = (error: unknown): void => {
      if (!(error instanceof LabError)) throw error;
      if (era === this.#era) this.#deps.onProblem(error.message);
    };
    const onEnd = (): void => {
      this.#pending -= 1;
    };
    this.#pending += 1;
    outcome.finally(onEnd).then((value) => {
      if (era === this.#era) then(value);
    }, onProblem);
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
