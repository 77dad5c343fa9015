/**
 * How many pods, how much load, and by which policy: sliders and a list. A slider acts when it is
 * let go, and shows where it will be while it is held.
 */
import { useState } from "preact/hooks";
import type { Hello, Sample } from "../../src/lab/page/page-feed.ts";
import { act, shown } from "../act.ts";
import { type Control, scaleControls } from "./control.ts";

/** Calls a second of each lane. */
const LOADS = [1, 5, 10, 20, 50, 100, 200, 300, 500, 750, 1000, 2000, 3000, 5000] as const;
/** Open calls of each lane. */
const IN_FLIGHTS = [1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000] as const;

/** Properties of `Levels`. */
export interface LevelsProps {
  readonly start: Hello;
  readonly now: Sample;
  /** Draws a button of a control. */
  button(control: Control, content: preact.ComponentChildren): preact.ComponentChildren;
}

/** Draws them. */
export function Levels({ start, now, button }: LevelsProps) {
  const { load, wantedPods } = now;
  const [less, more] = scaleControls(wantedPods, start.podsMax);
  const pods = Array.from({ length: start.podsMax }, (_, at) => at + 1);
  return (
    <div class="levels">
      <Slider name="pods" values={pods} value={wantedPods} action="scale" unit="pods">
        {(slider) => (
          <>
            {button(less, <Named sign="−" name={less.label} />)}
            {slider}
            {button(more, <Named sign="+" name={more.label} />)}
          </>
        )}
      </Slider>
      <Slider
        {...{ name: "load", values: LOADS, value: load.callsPerSecond, action: "load" }}
        unit="calls/s a lane"
      />
      <Slider
        {...{ name: "in flight", values: IN_FLIGHTS, value: load.inFlight, action: "in-flight" }}
        unit="open calls"
      />
      <label class="level">
        <span>policy</span>
        <select
          value={load.policy}
          onFocus={() => (shown.value = `policy=${load.policy}`)}
          onChange={(event) => act(`policy=${event.currentTarget.value}`)}
        >
          {start.policies.map((policy) => (
            <option key={policy}>{policy}</option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** What is seen as a sign and heard as a name. */
function Named({ sign, name }: { readonly sign: string; readonly name: string }) {
  return (
    <>
      <span aria-hidden="true">{sign}</span>
      <span class="visually-hidden">{name}</span>
    </>
  );
}

interface SliderProps {
  readonly name: string;
  /** Its places, from left to right. */
  readonly values: readonly number[];
  readonly value: number;
  readonly unit: string;
  /** The word of the action. */
  readonly action: string;
  /** Puts something beside it. */
  children?(slider: preact.ComponentChildren): preact.ComponentChildren;
}

function Slider({ name, values, value, unit, action, children }: SliderProps) {
  const [held, hold] = useState<number | null>(null);
  const shownValue = held ?? value;
  const text = `${shownValue.toLocaleString("en")} ${unit}`;
  const slider = (
    <input
      type="range"
      aria-label={name}
      aria-valuetext={text}
      min={0}
      max={values.length - 1}
      value={nearest(values, shownValue)}
      onFocus={() => (shown.value = `${action}=${value}`)}
      onInput={(event) => {
        const next = values[Number(event.currentTarget.value)]!;
        hold(next);
        shown.value = `${action}=${next}`;
      }}
      onChange={(event) => {
        act(`${action}=${values[Number(event.currentTarget.value)]}`).then(() => hold(null));
      }}
    />
  );
  return (
    <div class="level" data-level={name}>
      <span aria-hidden="true">{name}</span>
      <span class="slider">{children ? children(slider) : slider}</span>
      <output>{text}</output>
    </div>
  );
}

/** The place of a value, or of the one that is closest to it. */
function nearest(values: readonly number[], value: number): number {
  const distances = values.map((each) => Math.abs(each - value));
  return distances.indexOf(Math.min(...distances));
}
