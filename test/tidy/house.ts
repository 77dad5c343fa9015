/**
 * The house as data: its rooms in order, and the few places that may do what others may not.
 *
 * A new room, or a library that enters a room, is written down here first.
 */

/** The rooms of `src/`, each importing only from those before it. */
export const ROOMS: readonly string[] = [
  "base",
  "telemetry",
  "http2",
  "transport",
  "grpc",
  "xds",
  "server",
  "discovery",
  "balancing",
  "cluster",
  "routes",
  "mesh",
  "client",
  "proxy",
  "control",
  "lab",
  "testing",
  "cli",
];

/** Rooms that know nothing of an earlier one, although the order would let them. */
export const STRANGERS: Readonly<Record<string, readonly string[]>> = {
  balancing: ["http2", "transport", "discovery"],
  proxy: ["client"],
  control: ["client", "proxy"],
  server: ["xds"],
};

/** Rooms without sockets and files: bytes and values in, bytes and values out. */
export const PURE_ROOMS: readonly string[] = [
  "base",
  "telemetry",
  "http2",
  "grpc",
  "xds",
  "balancing",
  "routes",
];

/** What a pure room may take from Node. */
export const PURE_MODULES: readonly string[] = ["node:assert", "node:buffer", "node:util"];

/** Which files may import an npm package; one that is not listed is for tests only. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@bufbuild/protobuf": [
    "src/client/connect/",
    "src/cluster/",
    "src/xds/",
    "src/discovery/xds/",
    "src/mesh/xds/",
    "src/control/",
    "src/proxy/channelz/",
    "src/cli/csds.ts",
  ],
  "@connectrpc/connect": ["src/client/connect/"],
  "@grpc/grpc-js": ["src/lab/", "src/control/", "src/client/grpc-js"],
  "@grpc/grpc-js-xds": ["src/lab/programs/"],
  "@grpc/proto-loader": ["src/lab/"],
  "@peculiar/x509": ["src/lab/", "src/control/"],
  commander: ["src/cli/"],
  "dns-packet": ["src/lab/"],
  esbuild: ["src/lab/"],
  koffi: ["src/proxy/capture/"],
  "https-proxy-agent": ["src/discovery/kubernetes/api/"],
  pino: ["src/cli/", "src/lab/"],
  "pino-pretty": ["src/cli/", "src/lab/"],
  "socks-proxy-agent": ["src/discovery/kubernetes/api/"],
  yaml: ["src/discovery/kubernetes/", "src/control/inject/", "src/lab/scenario/"],
  re2js: ["src/routes/regex.ts", "src/lab/scenario/pattern.ts"],
  "reflect-metadata": ["src/lab/", "src/control/inject/webhook/"],
};

/** Modules of Node that only some files may import. */
export const NODE_MODULES: Readonly<Record<string, { only: readonly string[]; use: string }>> = {
  "node:http2": { only: ["src/lab/"], use: "the rooms http2 and transport" },
  "node:timers": { only: [], use: "the injected Clock" },
  "node:timers/promises": { only: [], use: "the injected Clock" },
  // Not for time: of Node, only its observers hear what DNS answered.
  "node:perf_hooks": { only: ["src/lab/programs/caller-why.ts"], use: "the injected Clock" },
};

/** Globals that read real time or real chance, who may use them, and what others use. */
export const GLOBALS: Readonly<Record<string, { only: readonly string[]; use: string }>> = {
  "Date.now": { only: ["src/base/real.ts"], use: "Clock.wallMs() of the injected Clock" },
  "new Date()": { only: [], use: "new Date(clock.wallMs())" },
  "Date()": { only: [], use: "new Date(clock.wallMs())" },
  performance: { only: ["src/base/real.ts"], use: "Clock.nowMs() of the injected Clock" },
  "process.hrtime": { only: [], use: "Clock.nowMs() of the injected Clock" },
  setTimeout: { only: ["src/base/real.ts"], use: "Clock.setTimer() of the injected Clock" },
  setInterval: { only: [], use: "Clock.setTimer() of the injected Clock" },
  setImmediate: { only: ["src/transport/"], use: "Clock.setTimer(0, ...) of the injected Clock" },
  "Math.random": { only: ["src/base/real.ts"], use: "the injected Rng" },
};

/** What others than this repository import: their exports need no user here. */
export const ENTRIES: readonly string[] = [
  "src/proxy/public.ts",
  "src/control/public.ts",
  "src/testing/public.ts",
  "src/client/connect/public.ts",
  "src/client/grpc-js/public.ts",
  "src/client/plain/public.ts",
];

/** Limits of size. */
export const COLUMNS_MAX = 100;
/** Lines of one function. */
export const FUNCTION_LINES_MAX = 70;
/** Lines of one file that is not a test. */
export const FILE_LINES_MAX = 400;

/** Whether a file holds tests, or helps them: such a file is in no bundle. */
export function isTestFile(path: string): boolean {
  return path.startsWith("test/") || /(\.test|-suite)\.ts$/.test(path);
}

/** The room that a file lives in, or null when it lives in none. */
export function roomOf(path: string): string | null {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? null;
}
