/**
 * A lane's verdict: a sign, how many pods are used, and the rest of the sentence.
 */
import { useRef } from "preact/hooks";
import type { LaneSample } from "../../src/lab/page/page-feed.ts";
import { kindOf, SIGNS, WORDS } from "../judge.ts";

/** A screen reader hears a lane's verdict anew when its sense changes, or after this long. */
const SAY_AGAIN_MS = 30_000;

/** The sentence for the eye changes at once; the one for a screen reader only with its sense. */
export function Verdict({ lane }: { readonly lane: LaneSample }) {
  const said = useRef({ sense: "", text: "", atMs: 0 });
  const kind = kindOf(lane);
  const sense = `${kind} ${lane.podsUsed}`;
  const nowMs = performance.now();
  if (sense !== said.current.sense || nowMs - said.current.atMs > SAY_AGAIN_MS) {
    said.current = { sense, text: `${WORDS[kind]}: ${lane.verdict}`, atMs: nowMs };
  }
  const [head, ...rest] = lane.verdict.split(/(?<=[^:]): /);
  return (
    <div class="verdict-box">
      <p class="verdict" data-kind={kind} aria-hidden="true">
        <span class="sign" data-kind={kind}>
          {SIGNS[kind]}
        </span>
        <strong>{head}</strong>
        {rest.length > 0 && <span class="visually-hidden">: </span>}
        <span class="rest" title={rest.join(": ")}>
          {rest.join(": ")}
        </span>
      </p>
      <p class="effect">{lane.effect}</p>
      <p class="visually-hidden" aria-live="polite">
        {said.current.text}
      </p>
    </div>
  );
}
