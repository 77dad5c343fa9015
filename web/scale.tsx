/**
 * The control of the number of pods: one less, one more. The lab does the rest, and says so by its
 * samples.
 */

/** Properties of `Scale`. */
export interface ScaleProps {
  /** How many pods there should be. */
  readonly wanted: number;
  readonly max: number;
}

/** Draws the control. */
export function Scale({ wanted, max }: ScaleProps) {
  return (
    <fieldset class="scaling" aria-label="Number of pods">
      <button type="button" disabled={wanted <= 1} onClick={() => scale(wanted - 1)}>
        <span aria-hidden="true">−</span>
        <span class="visually-hidden">one pod less</span>
      </button>
      <output>{wanted}</output>
      <button type="button" disabled={wanted >= max} onClick={() => scale(wanted + 1)}>
        <span aria-hidden="true">+</span>
        <span class="visually-hidden">one pod more</span>
      </button>
    </fieldset>
  );
}

/** A lab that is gone cannot be told; the page says so elsewhere. */
function scale(pods: number): void {
  fetch(`/scale?pods=${pods}`, { method: "POST" }).catch(() => {});
}
