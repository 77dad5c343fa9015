/** Tests of kinds that the server does not have: custom resources that come and go. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../../../base/index.ts";
import type { ObjectQuery } from "../../source.ts";
import { newFailure } from "../http/failure.ts";
import { ABSENCES_MAX, ABSENT_RETRY_MS } from "./absence.ts";
import { FakeApi, Listener, QUERY, reflect } from "./fake-api-suite.ts";
import { listPath } from "./paths.ts";

const GATEWAYS: ObjectQuery = { kind: "Gateway", namespace: null, name: null, label: null };
const NOT_FOUND = newFailure({ status: 404, reason: "the API server answers 404" });
const ABSENT = "! absent: the API server has no gateways of gateway.networking.k8s.io/v1";

function setup(query: ObjectQuery = GATEWAYS) {
  const clock = new VirtualClock();
  const api = new FakeApi(clock);
  return { clock, api, ...reflect(api, undefined, new Listener(), query) };
}

test("a kind that is not installed has no objects: told once, asked for slowly, seen when it comes", () => {
  const { clock, api, listener, counters, end } = setup();
  api.failure = NOT_FOUND;
  clock.advance(10);
  assert.deepEqual(listener.take(), ["synced", ABSENT]);
  api.requests.length = 0;
  clock.advance(10 * ABSENT_RETRY_MS);
  assert.ok(api.requests.length >= 9 && api.requests.length <= 21, `${api.requests.length} asked`);
  assert.deepEqual(listener.take(), [], "it is no news");
  assert.equal(counters.failures.value, api.requests.length + 1);
  api.set("a");
  api.failure = null;
  clock.advance(ABSENT_RETRY_MS + 1);
  assert.deepEqual(listener.take(), ["+a synced", "recovered"]);
  end();
});

test("objects that are known are given up only after several answers in a row", () => {
  const { clock, api, listener, end } = setup();
  api.set("a");
  clock.advance(20_000);
  listener.take();
  api.failure = NOT_FOUND;
  api.cut(NOT_FOUND);
  clock.advance(1000);
  assert.deepEqual([...listener.state.keys()], ["a"], "it may be a mistake");
  api.failure = null;
  clock.advance(60_000);
  assert.deepEqual([...listener.state.keys()], ["a"]);
  listener.take();
  api.failure = NOT_FOUND;
  api.cut(NOT_FOUND);
  api.requests.length = 0;
  while (api.requests.length < ABSENCES_MAX - 2) clock.advance(50);
  clock.advance(2);
  assert.deepEqual([...listener.state.keys()], ["a"], "not yet");
  clock.advance(60_000);
  assert.deepEqual([...listener.state.keys()], [], "it was taken away");
  assert.equal(listener.problem, ABSENT.replace("! absent: ", ""));
  api.failure = null;
  clock.advance(ABSENT_RETRY_MS + 1);
  assert.deepEqual([...listener.state.keys()], ["a"]);
  end();
});

test("a server without a kind that all servers have is none, or is not ready", () => {
  const { clock, api, listener, end } = setup(QUERY);
  api.failure = NOT_FOUND;
  clock.advance(60_000);
  const wanted = "! unreachable: the API server has no endpointslices of discovery.k8s.io/v1";
  assert.deepEqual(listener.take(), [wanted]);
  assert.equal(listener.isSynced, false);
  end();
});

test("a kind in all namespaces, and Secrets that are certificates, have their own paths", () => {
  assert.equal(listPath(GATEWAYS, 5, ""), "/apis/gateway.networking.k8s.io/v1/gateways?limit=5");
  const secrets = { ...GATEWAYS, kind: "Secret" } as const;
  assert.equal(
    listPath(secrets, 5, ""),
    "/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Ftls&limit=5",
  );
  assert.equal(
    listPath({ ...secrets, namespace: "prod", name: "web" }, 5, ""),
    "/api/v1/namespaces/prod/secrets?" +
      "fieldSelector=metadata.name%3Dweb%2Ctype%3Dkubernetes.io%2Ftls&limit=5",
  );
});
