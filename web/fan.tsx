/**
 * The way of a lane's calls as a drawing: the client, what stands between, and a line to every pod,
 * as thick as its share. It stands left of the share bars and has their rows.
 *
 * For the eye only: the table beside it says the same in numbers.
 */

const WIDTH = 96;
const CLIENT_X = 8;
const HUB_X = 40;
const HUB_WIDTH_MIN = 32;
const LINE_MAX = 14;

/** Lanes in which the client is connected to this, and to no pod. */
const HUBS: Readonly<Record<string, string>> = {
  ...{ clusterip: "VIP", proxy: "proxy", nested: "proxies", sidecar: "sidecar" },
};

/** Properties of `Fan`. */
export interface FanProps {
  /** The lane's word. */
  readonly name: string;
  /** Its calls by pod, in the order of the rows; null of pods that are not. */
  readonly perPod: readonly (number | null)[];
  /** Height of a row of the share bars, in CSS pixels. */
  readonly rowPixels: number;
}

/** Draws the fan. */
export function Fan({ name, perPod, rowPixels }: FanProps) {
  const height = perPod.length * rowPixels;
  const middle = height / 2;
  const hub = HUBS[name];
  const hubWidth = Math.max(HUB_WIDTH_MIN, (hub?.length ?? 0) * 6 + 4);
  const fromX = hub ? HUB_X + hubWidth / 2 : CLIENT_X;
  const sum = perPod.reduce<number>((total, calls) => total + (calls ?? 0), 0);
  const lines = perPod.map((calls, index) => {
    const share = sum === 0 ? 0 : (calls ?? 0) / sum;
    return { index, share, path: curve(fromX, middle, WIDTH, (index + 0.5) * rowPixels) };
  });
  const over = 1.5 / perPod.filter((calls) => calls !== null).length;
  return (
    <svg class="fan" viewBox={`0 0 ${WIDTH} ${height}`} height={height} aria-hidden="true">
      {lines
        .toSorted((a, b) => a.share - b.share)
        .map(({ index, share, path }) => (
          <path
            key={index}
            d={path}
            fill="none"
            class={share === 0 ? "idle" : share > over ? "over" : "used"}
            stroke-width={share === 0 ? 1 : Math.max(1.5, share * LINE_MAX)}
            stroke-dasharray={share === 0 ? "2 4" : "none"}
          />
        ))}
      {hub && sum > 0 && (
        <path class="used" d={`M${CLIENT_X} ${middle}H${HUB_X}`} stroke-width={LINE_MAX} />
      )}
      {hub && <rect x={HUB_X - hubWidth / 2} y={middle - 12} width={hubWidth} height={24} rx={4} />}
      {hub && (
        <text x={HUB_X} y={middle + 4} text-anchor="middle" font-size="10" fill="currentColor">
          {hub}
        </text>
      )}
      <circle cx={CLIENT_X} cy={middle} r={7} />
    </svg>
  );
}

function curve(x1: number, y1: number, x2: number, y2: number): string {
  const bend = (x1 + x2) / 2;
  return `M${x1} ${y1}C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}`;
}
