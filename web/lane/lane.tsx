/**
 * One lane: its verdict, how the calls spread over the pods, and its figures.
 */
import type { LaneSample, Sample } from "../../src/lab/page/page-feed.ts";
import { Figures } from "./figures.tsx";
import { Latency } from "./latency.tsx";
import { Picture } from "./picture.tsx";
import { Strip } from "./strip.tsx";
import { Verdict } from "./verdict.tsx";

/** Properties of `Lane`. */
export interface LaneProps {
  readonly lane: LaneSample;
  readonly about: Pick<Sample["laneChoices"][number], "title" | "how">;
  readonly pods: Sample["pods"];
  /** Called with the pod whose calls are to be explained; null: any call of the lane. */
  onWhy(lane: string, pod: string | null): void;
}

/** Draws a lane. */
export function Lane({ lane, about, pods, onWhy }: LaneProps) {
  const { name } = lane;
  const { title, how } = about;
  const heading = `lane-${name}`;
  const onPod = (pod: string): void => onWhy(name, pod);
  return (
    <section class="lane" aria-labelledby={heading} data-lane={name}>
      <header>
        <h2 id={heading}>{title}</h2>
        <button type="button" class="ask-why" onClick={() => onWhy(name, null)}>
          why?<span class="visually-hidden"> the latest calls of {title}</span>
        </button>
        <p class="how">{how}</p>
      </header>
      <Verdict lane={lane} />
      <Picture {...{ name, title, pods, onPod }} ejected={lane.ejected} />
      <Strip {...{ name, title, pods, onPod }} />
      <Latency name={name} title={title} />
      <Figures lane={lane} pods={pods} />
    </section>
  );
}
