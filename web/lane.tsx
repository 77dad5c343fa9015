/**
 * One lane: its verdict, how the calls spread over the pods, and its figures.
 */
import { useRef } from "preact/hooks";
import type { LaneSample, Sample } from "../src/lab/page/page-feed.ts";
import type { LabEvent } from "../src/lab/view.ts";
import { Fan } from "./fan.tsx";
import { Figures } from "./figures.tsx";
import { Strip } from "./strip.tsx";
import { percent } from "./words.ts";

/** Above this many fair shares a pod is shown as overloaded. */
const OVER = 1.5;
/** A bar's full width is at most this many fair shares; a longer one is cut, not its number. */
const FAIR_SHARES_MAX = 12;
/** From here on rows are lower. */
const MANY_PODS = 24;
/** A screen reader hears a lane's verdict anew when its sense changes, or after this long. */
const SAY_AGAIN_MS = 15_000;

/** Properties of `Lane`. */
export interface LaneProps {
  readonly lane: LaneSample;
  readonly about: Sample["laneChoices"][number];
  readonly pods: Sample["pods"];
  /** The largest share in any lane: all lanes have one scale. */
  readonly largestShare: number;
  readonly columns: readonly (readonly number[])[];
  readonly intervalMs: number;
  readonly events: readonly LabEvent[];
  /** How many columns there were in all. */
  readonly columnCount: number;
}

/** Draws a lane. */
export function Lane(props: LaneProps) {
  const { lane, about, pods, largestShare } = props;
  const rowPixels = pods.length > MANY_PODS ? 17 : 24;
  const heading = `lane-${lane.name}`;
  const current = lane.perPod.filter((calls) => calls !== null).length;
  return (
    <section class="lane" aria-labelledby={heading} data-lane={lane.name}>
      <h2 id={heading}>{about.title}</h2>
      <p class="how">{about.how}</p>
      <Verdict lane={lane} />
      <p class="effect">{lane.effect}</p>
      <div class="picture" style={{ "--row": `${rowPixels}px` }}>
        <Fan name={lane.name} perPod={lane.perPod} rowPixels={rowPixels} />
        <Shares lane={lane} pods={pods} largestShare={largestShare} />
      </div>
      <p class="scale">
        <span>bar: share of this lane’s calls</span>
        <span>┊ fair share, {percent(1 / current)}</span>
      </p>
      <Strip {...props} title={about.title} pods={pods.length} />
      <Figures lane={lane} />
    </section>
  );
}

const KINDS = { even: "●", uneven: "▲", failed: "✕", waiting: "…" } as const;

function kindOf(lane: LaneSample): keyof typeof KINDS {
  if (lane.phase === "failed" || lane.failed > 0) return "failed";
  if (lane.maxOverMean === null) return "waiting";
  return lane.maxOverMean > OVER ? "uneven" : "even";
}

/** The sentence for the eye changes at once; the one for a screen reader only with its sense. */
function Verdict({ lane }: { readonly lane: LaneSample }) {
  const said = useRef({ sense: "", text: "", atMs: 0 });
  const kind = kindOf(lane);
  const sense = `${kind} ${lane.podsUsed}`;
  const nowMs = performance.now();
  if (sense !== said.current.sense || nowMs - said.current.atMs > SAY_AGAIN_MS) {
    said.current = { sense, text: lane.verdict, atMs: nowMs };
  }
  return (
    <>
      <p class="verdict" data-kind={kind} aria-hidden="true">
        <span class="mark">{KINDS[kind]}</span>
        <span>{lane.verdict}</span>
      </p>
      <p class="visually-hidden" aria-live="polite">
        {said.current.text}
      </p>
    </>
  );
}

function Shares(props: Pick<LaneProps, "lane" | "pods" | "largestShare">) {
  const { lane, pods, largestShare } = props;
  const sum = lane.perPod.reduce<number>((total, calls) => total + (calls ?? 0), 0);
  const fair = 1 / lane.perPod.filter((calls) => calls !== null).length;
  const full = Math.min(Math.max(largestShare, fair), FAIR_SHARES_MAX * fair);
  return (
    <table class="shares" aria-label="Share of calls by pod">
      <tbody>
        {pods.map(({ name, state, isSlow }, index) => {
          const calls = lane.perPod[index] ?? null;
          const share = sum === 0 ? 0 : (calls ?? 0) / sum;
          const width = `${Math.min(1, share / full) * 100}%`;
          return (
            <tr key={name} class={share === 0 ? "idle" : ""} data-state={state}>
              <th scope="row">{label(name, state, isSlow)}</th>
              <td>
                <div class="track">
                  <div class={share > OVER * fair ? "fill over" : "fill"} style={{ width }} />
                  <div class="fair" style={{ left: `${(fair / full) * 100}%` }} />
                </div>
              </td>
              <td class="number">{sum === 0 || calls === null ? "–" : percent(share)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** A pod's name, and where it stands unless it serves as usual. */
function label(name: string, state: string, isSlow: boolean): string {
  if (state !== "ready") return `${name} ${state}`;
  return isSlow ? `${name} slow` : name;
}
