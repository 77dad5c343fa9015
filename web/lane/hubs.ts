/**
 * What stands between a lane's client and the pods: a Service's virtual address, which is a rule
 * and no program (dashed), or proxies, each as it takes part of the calls.
 */
import type { LaneSample } from "../../src/lab/page/page-feed.ts";
import type { Palette } from "../palette.ts";
import type { PictureLayout } from "./layout.ts";

/** One of them. */
export interface Hub {
  readonly name: string;
  /** Its part of the calls, 0 to 1. */
  readonly share: number;
  /** A rule of the network, and no program. */
  readonly isRule: boolean;
}

/** A single one stands upright, between client and pods; several lie one above the other. */
const UPRIGHT = { width: 20, height: 72 } as const;
const HEIGHT = 20;
const GAP = 6;
const FONT = "600 10.5px system-ui, sans-serif";

const RULES: Readonly<Record<string, string>> = { clusterip: "ClusterIP", http1: "ClusterIP" };
const PROXIES: Readonly<Record<string, string>> = {
  ...{ proxy: "proxy", sidecar: "sidecar" },
  ...{ envoy: "Envoy", nginx: "nginx", haproxy: "HAProxy" },
};

/** Those of a lane; none where the client is connected to the pods itself. */
export function hubsOf({ name, replicas }: LaneSample): readonly Hub[] {
  if (replicas !== null) {
    const sum = replicas.reduce((total, { callsPerSecond }) => total + callsPerSecond, 0);
    return replicas.map((replica) => ({
      name: replica.name,
      share: sum === 0 ? 1 / replicas.length : replica.callsPerSecond / sum,
      isRule: false,
    }));
  }
  const rule = RULES[name];
  if (rule !== undefined) return [{ name: rule, share: 1, isRule: true }];
  const proxy = PROXIES[name];
  return proxy === undefined ? [] : [{ name: proxy, share: 1, isRule: false }];
}

/** Where and how they are drawn. */
export interface HubsPlace {
  readonly hubs: readonly Hub[];
  readonly middle: number;
  readonly layout: PictureLayout;
  readonly palette: Palette;
  /** How thick the line of all calls is; 0 before there are any. */
  readonly ink: number;
}

/** Draws them, with the client's line to each; where there are several, a bar joins them. */
export function drawHubs(context: CanvasRenderingContext2D, place: HubsPlace): void {
  const { hubs, middle, layout, palette, ink } = place;
  const all = hubs.length * (HEIGHT + GAP) - GAP;
  const yOf = (at: number): number => middle - all / 2 + at * (HEIGHT + GAP) + HEIGHT / 2;
  context.strokeStyle = palette.bar;
  hubs.forEach(({ share }, at) => {
    if (share * ink === 0) return;
    context.lineWidth = Math.max(1, share * ink);
    context.globalAlpha = 0.9;
    context.beginPath();
    context.moveTo(layout.clientX, middle);
    context.lineTo(layout.hubX, yOf(at));
    context.stroke();
    context.globalAlpha = 1;
  });
  if (hubs.length === 1) {
    context.save();
    context.translate(layout.hubX, middle);
    context.rotate(-Math.PI / 2);
    box(context, hubs[0]!, UPRIGHT, palette);
    context.restore();
    return;
  }
  context.font = FONT;
  const width = Math.max(...hubs.map(({ name }) => context.measureText(name).width)) + 10;
  hubs.forEach((hub, at) => {
    context.save();
    context.translate(layout.hubX, yOf(at));
    box(context, hub, { width, height: HEIGHT }, palette);
    context.restore();
  });
}

/** Around the origin. */
function box(
  context: CanvasRenderingContext2D,
  { name, share, isRule }: Hub,
  size: { readonly width: number; readonly height: number },
  palette: Palette,
): void {
  // An upright one is turned: its width is the thickness.
  const [along, across] = size === UPRIGHT ? [size.height, size.width] : [size.width, size.height];
  context.beginPath();
  context.roundRect(-along / 2, -across / 2, along, across, isRule ? across / 2 : 4);
  context.fillStyle = palette.card;
  context.fill();
  context.lineWidth = 1.25;
  context.strokeStyle = share > 0 ? palette.text : palette.line;
  context.setLineDash(isRule ? [3, 2] : []);
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = share > 0 ? palette.text : palette.quiet;
  context.font = FONT;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(name, 0, 0.5);
}
