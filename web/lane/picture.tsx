/**
 * The picture of a lane with its rows to click: drawn ten times a second on a canvas, while the
 * elements above it change only with the pods.
 *
 * The rows are one stop of the Tab key; arrows go from pod to pod, Enter asks why.
 */

import { useMemo, useRef, useState } from "preact/hooks";
import { percentText } from "../../src/lab/figures/number-words.ts";
import type { Sample } from "../../src/lab/page/page-feed.ts";
import { now } from "../feed.ts";
import { palette } from "../palette.ts";
import { RecentShares } from "../recent.ts";
import { cleared, useDrawing, useWidth } from "../size.ts";
import { standing } from "../words.ts";
import { hubsOf } from "./hubs.ts";
import { OVER, pictureLayout } from "./layout.ts";
import { drawPicture } from "./picture-draw.ts";

/** Properties of `Picture`. */
export interface PictureProps {
  /** The lane's word. */
  readonly name: string;
  readonly title: string;
  readonly pods: Sample["pods"];
  /** Names of those that the lane has ejected. */
  readonly ejected: readonly string[];
  onPod(pod: string): void;
}

/** Draws it. */
export function Picture({ name, title, pods, ejected, onPod }: PictureProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const layout = pictureLayout(pods.length, width);
  const height = pods.length * layout.row;
  const recent = useMemo(() => new RecentShares(), []);
  useDrawing(() => {
    const sample = now.value;
    const lane = sample?.lanes.find((each) => each.name === name);
    if (!canvas.current || width === 0 || !sample || !lane) return;
    const names = sample.pods.map((pod) => pod.name);
    const shares = recent.take(sample.elapsedMs, names, lane.perPod);
    const context = cleared(canvas.current, width, height);
    const about = { pods: sample.pods, shares, hubs: hubsOf(lane), ejected: lane.ejected };
    drawPicture(context, { ...about, layout, palette: palette.value });
    // What was drawn, for whoever cannot look at it.
    canvas.current.dataset.shares = shares.map((share) => share?.toFixed(3) ?? "").join(" ");
  }, [name, width, height]);
  const current = pods.filter(({ state }) => state === "ready").length;
  return (
    <figure class="picture">
      <div class="rows-and-canvas" ref={box} style={{ height: `${height}px` }}>
        <div aria-hidden="true">
          <canvas ref={canvas} />
        </div>
        <Rows {...{ title, pods, ejected, onPod, nameX: layout.nameX, row: layout.row }} />
      </div>
      <figcaption class="caption">
        <span>share of the last 5 s</span>
        <span>┊ fair: {current === 0 ? "–" : percentText(1 / current)}</span>
        <span class="over-word">▬ over {OVER}×</span>
      </figcaption>
    </figure>
  );
}

interface RowsProps extends Omit<PictureProps, "name"> {
  readonly nameX: number;
  readonly row: number;
}

function Rows({ title, pods, ejected, onPod, nameX, row }: RowsProps) {
  const [active, activate] = useState(0);
  const stop = Math.min(active, pods.length - 1);
  const onKeyDown = (event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void => {
    const to = target(event.key, stop, pods.length);
    if (to === null) return;
    event.preventDefault();
    activate(to);
    event.currentTarget.querySelectorAll("button")[to]?.focus();
  };
  return (
    <fieldset
      class="rows"
      aria-label={`Pods of ${title}; arrow keys choose one, Enter says why it gets its calls`}
      style={{ "--row": `${row}px`, "--name-x": `${nameX}px` }}
      data-dense={row < 12}
      onKeyDown={onKeyDown}
    >
      {pods.map((pod, at) => (
        <button
          key={pod.name}
          type="button"
          tabIndex={at === stop ? 0 : -1}
          data-pod={pod.name}
          data-state={pod.state}
          onClick={() => onPod(pod.name)}
          onFocus={() => activate(at)}
        >
          {pod.name}
          <span class="visually-hidden"> {standing(pod, ejected) || "ready"}</span>
        </button>
      ))}
    </fieldset>
  );
}

function target(key: string, from: number, count: number): number | null {
  switch (key) {
    case "ArrowDown":
      return Math.min(from + 1, count - 1);
    case "ArrowUp":
      return Math.max(from - 1, 0);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
