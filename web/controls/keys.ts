/**
 * Keys that do what buttons do, anywhere on the page but in a field that takes them itself.
 */
import { useEffect } from "preact/hooks";
import type { Control } from "./control.ts";

/** Runs the control of each key that is pressed. */
export function useKeys(controls: readonly Control[], run: (control: Control) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isElsewhere = event.target instanceof Element && event.target.closest(TAKES_KEYS);
      if (isElsewhere || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      const control = controls.find(({ key }) => key === event.key);
      if (control) run(control);
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  });
}

/** A dialog that leaves the page usable beside it leaves its keys alone, too. */
const TAKES_KEYS = "select, input, textarea, dialog:modal";
