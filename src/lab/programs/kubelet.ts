/**
 * The kubelet's part in readiness: it asks every pod by gRPC whether it serves, and tells the lab
 * when a pod turns ready or not.
 *
 *     kubelet.ts
 *
 * As a `readinessProbe` with `grpc` does: Check of `grpc.health.v1.Health` for the service "", of
 * which only SERVING within a second counts. The thresholds are Kubernetes' defaults (3 failures in
 * a row, 1 success); the period is 500 ms where that is 10 s, so that nobody has to wait. A process
 * of its own, as in a cluster, so that a busy lab does not make pods look dead.
 */
import "./leash.ts";
import * as grpc from "@grpc/grpc-js";
import { realClock } from "../../base/index.ts";
import type { ChildMessage, ProbedPod, ProbeMessage } from "../messages.ts";
import { HEALTH_SERVICE, type Serving, ServingStatus } from "../pods/health.ts";

const PERIOD_MS = 500;
const TIMEOUT_MS = 1000;
const FAILURE_THRESHOLD = 3;

const clock = realClock();
const { check: method } = HEALTH_SERVICE;
process.title = "fairlead-lab kubelet";

/** A pod under probe. */
class Probe {
  readonly #name: string;
  readonly #client: grpc.Client;
  #failures = 0;
  #isReady: boolean;
  #isAsking = false;

  constructor({ name, address, isReady }: ProbedPod) {
    this.#name = name;
    this.#isReady = isReady;
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure());
  }

  /** Asks once, unless an answer is still due. */
  ask(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      { service: "" },
      { deadline: clock.wallMs() + TIMEOUT_MS },
      (error, status) => this.#onAnswer(error === null ? status : undefined),
    );
  }

  #onAnswer(status: Serving | undefined): void {
    this.#isAsking = false;
    this.#failures = status === ServingStatus.SERVING ? 0 : this.#failures + 1;
    const isReady = this.#isReady ? this.#failures < FAILURE_THRESHOLD : this.#failures === 0;
    if (isReady === this.#isReady) return;
    this.#isReady = isReady;
    const message: ChildMessage = { type: "probed", name: this.#name, isReady };
    if (process.connected) process.send?.(message);
  }

  close(): void {
    this.#client.close();
  }
}

const probes = new Map<string, Probe>();

function round(): void {
  for (const probe of probes.values()) probe.ask();
  clock.setTimer(PERIOD_MS, round);
}

process.on("message", ({ pods }: ProbeMessage) => {
  const names = new Set(pods.map(({ name }) => name));
  for (const [name, probe] of probes) {
    if (names.has(name)) continue;
    probe.close();
    probes.delete(name);
  }
  for (const pod of pods) {
    if (!probes.has(pod.name)) probes.set(pod.name, new Probe(pod));
  }
});
process.channel?.unref();
round();
