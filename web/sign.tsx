/**
 * How a lane fares as a sign, which reads without colour, and as a word for who hears it.
 */
import { type Kind, SIGNS } from "../src/lab/figures/kind.ts";

/** What a screen reader says. */
export const KIND_WORDS: Readonly<Record<Kind, string>> = {
  good: "right",
  flawed: "not quite right",
  bad: "wrong",
  waiting: "not known yet",
};

/** Draws the sign. */
export function Sign({ kind }: { readonly kind: Kind }) {
  return (
    <span class="sign" data-kind={kind} title={KIND_WORDS[kind]}>
      {SIGNS[kind]}
    </span>
  );
}
