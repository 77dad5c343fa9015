/**
 * The colours of the style sheet for what is drawn on a canvas, in the light or dark form that the
 * user's system asks for.
 */
import { signal } from "@preact/signals";

const NAMES = ["card", "line", "text", "quiet", "bar", "over", "strip"] as const;

/** Colours by their name in the style sheet, as a canvas takes them. */
export type Palette = Readonly<Record<(typeof NAMES)[number], string>>;

/** The colours now; replaced when the system turns dark or light. */
export const palette = signal<Palette>(read());

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  palette.value = read();
});

/** A canvas does not know `var()` or `light-dark()`: an element is asked what they come to. */
function read(): Palette {
  const probe = document.createElement("span");
  document.body.append(probe);
  const entries = NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color] as const;
  });
  probe.remove();
  return Object.fromEntries(entries) as Palette;
}
