/**
 * A canvas as large as its box and as fine as the screen, drawn when what it shows has changed.
 */
import { effect } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

/** The width of an element in CSS pixels, now and whenever it changes; 0 before it is there. */
export function useWidth(ref: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}

/**
 * The context of a canvas that has this size in CSS pixels, cleared, with CSS pixels as its unit.
 * Its backing store is made anew only when the size is another.
 */
export function cleared(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio || 1;
  const [deviceWidth, deviceHeight] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== deviceWidth) canvas.width = deviceWidth;
  if (canvas.height !== deviceHeight) canvas.height = deviceHeight;
  const context = canvas.getContext("2d")!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** Draws now, whenever a signal that `draw` reads changes, and when one of the `inputs` does. */
export function useDrawing(draw: () => void, inputs: readonly unknown[]): void {
  useEffect(() => effect(draw), [...inputs]);
}
