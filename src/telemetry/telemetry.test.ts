/** Tests of the instruments, of adding snapshots up, and of the Prometheus text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  latencySecondsBoundaries,
  mergeSnapshots,
  PROMETHEUS_CONTENT_TYPE,
  Registry,
  renderPrometheus,
  sizeBytesBoundaries,
} from "./index.ts";

const rendered = (registry: Registry) => renderPrometheus(registry.snapshot());

test("counters, gauges and histograms in Prometheus text, a family's lines together", () => {
  const registry = new Registry();
  const a = registry.counter("calls_total", "Calls.", { endpoint: "a:1", pod: "echo-1" });
  const seconds = registry.histogram("call_seconds", "Time a call took.", [0.1, 1], { k: "v" });
  const b = registry.counter("calls_total", "Calls.", { endpoint: "b:1", pod: "echo-2" });
  registry.gauge("ready", "Endpoints that are ready.", {}, () => 2.5);
  a.add();
  a.add(2);
  b.add();
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.record(value);
  assert.equal(a.value, 3);
  assert.equal(seconds.count, 4);
  assert.equal(seconds.sum, 7.65);
  assert.equal(
    rendered(registry),
    `# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{endpoint="a:1",pod="echo-1"} 3
calls_total{endpoint="b:1",pod="echo-2"} 1
# HELP call_seconds Time a call took.
# TYPE call_seconds histogram
call_seconds_bucket{k="v",le="0.1"} 2
call_seconds_bucket{k="v",le="1"} 3
call_seconds_bucket{k="v",le="+Inf"} 4
call_seconds_sum{k="v"} 7.65
call_seconds_count{k="v"} 4
# HELP ready Endpoints that are ready.
# TYPE ready gauge
ready 2.5
`,
  );
  assert.match(PROMETHEUS_CONTENT_TYPE, /version=0\.0\.4/);
});

test("a counter whose sum is kept elsewhere is asked for it, and is a counter", () => {
  const registry = new Registry();
  let refused = 0;
  const reading = registry.counterFrom("refused_total", "Refused.", {}, () => refused);
  refused += 3;
  assert.match(rendered(registry), /^# TYPE refused_total counter\nrefused_total 3$/m);
  const [first, second] = [registry.snapshot(), registry.snapshot()];
  assert.equal(mergeSnapshots([first, second]).families[0].series[0].value, 6);
  reading.remove();
  assert.deepEqual(registry.snapshot().families[0].series, []);
});

test("an empty registry renders to nothing", () => {
  assert.equal(rendered(new Registry()), "");
});

test("label values and help texts are escaped", () => {
  const registry = new Registry();
  registry.counter("a_total", 'one\\two\n"three"', { k: 'a\\b\n"c"' }).add();
  assert.equal(
    rendered(registry),
    '# HELP a_total one\\\\two\\n"three"\n# TYPE a_total counter\n' +
      'a_total{k="a\\\\b\\n\\"c\\""} 1\n',
  );
});

test("a histogram without labels has le alone in its braces", () => {
  const registry = new Registry();
  registry.histogram("h", "H.", []).record(1);
  assert.match(rendered(registry), /\nh_bucket\{le="\+Inf"\} 1\nh_sum 1\nh_count 1\n$/);
});

test("a value equal to a boundary belongs below it; NaN is not counted", () => {
  const registry = new Registry();
  const histogram = registry.histogram("h", "H.", [0, 1, 2, 4]);
  for (const value of [-1, 0, 0.5, 1, 1.5, 2, 3, 4, 4.1, Number.NaN]) histogram.record(value);
  assert.deepEqual(registry.snapshot().families[0].series[0].buckets, [2, 2, 2, 2, 1]);
  assert.equal(histogram.count, 9);
  assert.equal(histogram.sum, 15.1);
});

test("every value lands in the bucket that a scan of the boundaries finds", () => {
  const registry = new Registry();
  const histogram = registry.histogram("h", "H.", latencySecondsBoundaries);
  const want = new Array(latencySecondsBoundaries.length + 1).fill(0);
  for (let i = 0; i < 5000; i += 1) {
    const value = 1e-6 * 1.004 ** i;
    histogram.record(value);
    const index = latencySecondsBoundaries.findIndex((boundary) => value <= boundary);
    want[index < 0 ? latencySecondsBoundaries.length : index] += 1;
  }
  assert.deepEqual(registry.snapshot().families[0].series[0].buckets, want);
});

test("a removed series is in no later snapshot, and may be made again", () => {
  const registry = new Registry();
  const old = registry.counter("a_total", "A.", { pod: "p" });
  const gauge = registry.gauge("g", "G.", {}, () => 1);
  old.add(5);
  old.remove();
  gauge.remove();
  assert.equal(rendered(registry), "");
  const again = registry.counter("a_total", "A.", { pod: "p" });
  old.add();
  old.remove();
  assert.equal(again.value, 0);
  assert.match(rendered(registry), /a_total\{pod="p"\} 0/);
});

test("a gauge without a finite value is left out", () => {
  const registry = new Registry();
  let value = Number.NaN;
  registry.gauge("g", "G.", {}, () => value);
  assert.equal(rendered(registry), "");
  value = Number.POSITIVE_INFINITY;
  assert.equal(rendered(registry), "");
  value = 0;
  assert.match(rendered(registry), /^g 0$/m);
});

test("the same series twice, another kind, help or boundaries for a name: refused", () => {
  const registry = new Registry();
  registry.counter("a_total", "A.", { x: "1", y: "2" });
  registry.histogram("h", "H.", [1, 2], { x: "1" });
  const refused = [
    () => registry.counter("a_total", "A.", { y: "2", x: "1" }),
    () => registry.counter("a_total", "B."),
    () => registry.gauge("a_total", "A.", {}, () => 1),
    () => registry.histogram("h", "H.", [1, 3]),
    () => registry.histogram("i", "I.", [1, 1]),
    () => registry.counter("a-b", "A."),
    () => registry.counter("b_total", "B.", { "a.b": "1" }),
    () => registry.histogram("j", "J.", [1], { le: "1" }),
  ];
  for (const fn of refused) assert.throws(fn, { name: "AssertionError" });
});

test("snapshots add up over JSON: counters, histograms and gauges, or the largest gauge", () => {
  const worker = (n: number, pods: string[]) => {
    const registry = new Registry();
    for (const pod of pods) registry.counter("calls_total", "Calls.", { pod, z: "1" }).add(n);
    registry.gauge("connections", "Connections.", {}, () => n);
    registry.gauge("stale_seconds", "Staleness.", {}, () => 10 - n, "max");
    const histogram = registry.histogram("h", "H.", [1, 2]);
    for (let i = 0; i < n; i += 1) histogram.record(i);
    return JSON.parse(JSON.stringify(registry.snapshot()));
  };
  const text = renderPrometheus(mergeSnapshots([worker(1, ["a"]), worker(3, ["b", "a"])]));
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  assert.deepEqual(lines, [
    'calls_total{pod="a",z="1"} 4',
    'calls_total{pod="b",z="1"} 3',
    "connections 4",
    "stale_seconds 9",
    'h_bucket{le="1"} 3',
    'h_bucket{le="2"} 4',
    'h_bucket{le="+Inf"} 4',
    "h_sum 3",
    "h_count 4",
    "",
  ]);
  assert.deepEqual(mergeSnapshots([]), { families: [] });
});

test("A66: the boundaries that every gRPC uses", () => {
  assert.equal(latencySecondsBoundaries.length, 41);
  assert.equal(sizeBytesBoundaries.length, 14);
  assert.equal(latencySecondsBoundaries.at(-1), 100);
  assert.equal(sizeBytesBoundaries.at(-1), 2 ** 32);
});
