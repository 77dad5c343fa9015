/**
 * A program with a cluster that does nothing: `node idle-client.ts ADDRESS [CA-FILE]`.
 *
 * It says "READY" when the endpoint is, and holds on to nothing any more: that it ends then is what
 * a test waits for.
 */
import { realClock, realRng, silentLogger, TimerWheel, unrefClock } from "../../src/base/index.ts";
import { createCluster, DEFAULT_CLUSTER_CONFIG, serviceConfigOf } from "../../src/cluster/index.ts";
import { createResolver } from "../../src/discovery/index.ts";
import { Registry } from "../../src/telemetry/index.ts";
import { ClientTls, TransportLoop } from "../../src/transport/index.ts";

const [, , target, caFile] = process.argv;
if (target === undefined) throw new Error("usage: idle-client.ts ADDRESS [CA-FILE]");

const clock = unrefClock(realClock());
const rng = realRng();
const log = silentLogger;
const files = { certFile: null, keyFile: null, serverName: null };
const secure =
  caFile === undefined ? null : ClientTls.load({ caFile, ...files }, { clock, log, onReload() {} });

// What a call in flight is for a client: something that is waited for.
const hold = realClock().setTimer(60_000, () => process.exit(9));

const cluster = createCluster(
  {
    ...DEFAULT_CLUSTER_CONFIG,
    target,
    secure,
    serviceConfig: serviceConfigOf("round_robin"),
    maxConnectionsPerEndpoint: 1,
    readyTimeoutMs: Number.POSITIVE_INFINITY,
    keepalive: { timeMs: 10_000, timeoutMs: 20_000, permitWithoutCalls: true },
    isUnref: true,
  },
  {
    clock,
    rng,
    log,
    loop: new TransportLoop(clock),
    wheel: new TimerWheel(clock),
    registry: new Registry(),
    resolver: createResolver(target, { clock, rng, log }),
    listener: {
      onServiceConfig() {},
      onConnectivity: (state) => {
        if (state !== "READY") return;
        process.stdout.write("READY\n");
        hold.cancel();
      },
    },
  },
);
cluster.start();
