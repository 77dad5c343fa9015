/**
 * What can be done to the lab, as buttons and as keys, with the command that does the same. The lab
 * does it, and says so by its samples; what it refuses stands in the sample, too.
 */
import { useEffect, useState } from "preact/hooks";
import type { PodSample, Sample } from "../src/lab/page/page-feed.ts";

/** Properties of `Controls`. */
export interface ControlsProps {
  readonly now: Sample;
  readonly podsMax: number;
}

/** One button. */
interface Control {
  /** The key that does the same. */
  readonly key: string;
  readonly label: string;
  /** The action, as `src/lab/actions.ts` reads it. */
  readonly action: string;
  readonly isDisabled: boolean;
}

/** Draws the controls, and listens to their keys. */
export function Controls({ now, podsMax }: ControlsProps) {
  const [chosen, choose] = useState("");
  const alive = now.pods.filter(({ state }) => state === "ready" || state === "not-ready");
  // A pod that has gone is chosen no more.
  const pod = alive.find(({ name }) => name === chosen) ?? null;
  const scaling = scaleControls(now.wantedPods, podsMax);
  const others = podControls(alive, pod).concat(laneControls(now));
  const [shown, show] = useState(others[0]!.action);
  const all = [...scaling, ...others];
  const run = (control: Control): void => {
    if (control.isDisabled) return;
    show(control.action);
    act(control.action);
  };
  useKeys(all, run);
  const button = (control: Control, content: preact.ComponentChildren) => (
    <button
      key={control.key}
      type="button"
      disabled={control.isDisabled}
      aria-keyshortcuts={control.key}
      onClick={() => run(control)}
      onFocus={() => show(control.action)}
      onPointerEnter={() => show(control.action)}
    >
      {content}
    </button>
  );
  const [less, more] = scaling;
  return (
    <section class="controls" aria-label="What happens to the pods">
      <fieldset class="scaling" aria-label="Number of pods">
        {button(less!, <Named sign="−" name={less!.label} />)}
        <output>{now.wantedPods}</output>
        {button(more!, <Named sign="+" name={more!.label} />)}
        <span aria-hidden="true">pods</span>
      </fieldset>
      <select
        aria-label="which pod"
        value={pod?.name ?? ""}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        <option value="">any pod</option>
        {alive.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      {others.map((control) =>
        button(
          control,
          <>
            {control.label}{" "}
            <span class="key" aria-hidden="true">
              {control.key}
            </span>
          </>,
        ),
      )}
      <p class="same">
        The same from a shell: <code>{shellCommand(shown)}</code>
      </p>
    </section>
  );
}

function Named({ sign, name }: { readonly sign: string; readonly name: string }) {
  return (
    <>
      <span aria-hidden="true">{sign}</span>
      <span class="visually-hidden">{name}</span>
    </>
  );
}

function scaleControls(wanted: number, max: number): readonly Control[] {
  return [
    {
      ...{ key: "-", label: "one pod less", action: `scale=${wanted - 1}` },
      isDisabled: wanted <= 1,
    },
    {
      ...{ key: "+", label: "one pod more", action: `scale=${wanted + 1}` },
      isDisabled: wanted >= max,
    },
  ];
}

function podControls(alive: readonly PodSample[], pod: PodSample | null): readonly Control[] {
  const concerned = pod === null ? alive : [pod];
  const isSlow = concerned.some((one) => one.isSlow);
  const isNotServing = concerned.some((one) => one.isNotServing);
  const control = (key: string, label: string, word: string): Control => ({
    ...{ key, label, isDisabled: alive.length === 0 },
    action: pod === null ? word : `${word}=${pod.name}`,
  });
  return [
    isSlow ? control("s", "as fast as before", "heal") : control("s", "slow one pod ×10", "slow"),
    isNotServing
      ? control("n", "SERVING again", "serving")
      : control("n", "NOT_SERVING", "not-serving"),
    control("k", "kill a pod", "kill"),
  ];
}

function laneControls({ lanes }: Sample): readonly Control[] {
  const replicas = lanes.find((lane) => lane.replicas !== null)?.replicas ?? [];
  const second = { key: "p", label: "second proxy replica", action: "replica" };
  return [
    { key: "r", label: "roll all pods", action: "roll", isDisabled: false },
    { ...second, isDisabled: replicas.length !== 1 },
  ];
}

/** Keys work anywhere on the page but in a field that takes them itself. */
function useKeys(controls: readonly Control[], run: (control: Control) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isElsewhere = event.target instanceof HTMLSelectElement;
      if (isElsewhere || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      const control = controls.find(({ key }) => key === event.key);
      if (control) run(control);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  });
}

function url(action: string): string {
  return `/act?event=${encodeURIComponent(action).replace("%3D", "=")}`;
}

function shellCommand(action: string): string {
  return `curl -X POST '${location.origin}${url(action)}'`;
}

/** A lab that is gone cannot be told; the page says so elsewhere. */
function act(action: string): void {
  fetch(url(action), { method: "POST" }).catch(() => {});
}
