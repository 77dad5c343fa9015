/**
 * A lane's verdict: a sign, how many pods are used, and the rest of the sentence.
 */
import { useRef } from "preact/hooks";
import type { LaneSample } from "../../src/lab/page/page-feed.ts";
import { KIND_WORDS, Sign } from "../sign.tsx";

/** A screen reader hears a lane's verdict anew when its sense changes, or after this long. */
const SAY_AGAIN_MS = 30_000;

/** The sentence for the eye changes at once; the one for a screen reader only with its sense. */
export function Verdict({ lane }: { readonly lane: LaneSample }) {
  const said = useRef({ sense: "", text: "", atMs: 0 });
  const { kind } = lane;
  const sense = `${kind} ${lane.podsUsed}`;
  const nowMs = performance.now();
  if (sense !== said.current.sense || nowMs - said.current.atMs > SAY_AGAIN_MS) {
    said.current = { sense, text: `${KIND_WORDS[kind]}: ${lane.verdict}`, atMs: nowMs };
  }
  const { head, joint, rest } = parts(lane.verdict);
  return (
    <div class="verdict-box">
      <p class="verdict" data-kind={kind} aria-hidden="true">
        <Sign kind={kind} />
        <strong>{head}</strong>
        <span class="visually-hidden">{joint}</span>
        <span class="rest" title={rest}>
          {rest}
        </span>
      </p>
      <p class="effect">{lane.effect}</p>
      <p class="visually-hidden" aria-live="polite">
        {said.current.text}
      </p>
    </div>
  );
}

/** What is said largest, and the rest: "12 of 12 pods used evenly" and why. */
function parts(verdict: string): Record<"head" | "joint" | "rest", string> {
  const [, head = verdict, joint = "", rest = ""] = /^(.*?)(: |; )(.*)$/s.exec(verdict) ?? [];
  return { head, joint, rest };
}
