/**
 * The lane `envoy`: Envoy in front of the pods, as Google's tutorial "gRPC with Envoy on GKE" has
 * it: the pods by the DNS of a headless Service (STRICT_DNS), in turn, each asked by gRPC health
 * checks, two of which have to fail or to be good before it leaves or returns. Without TLS, which
 * balances nothing.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../base/index.ts";
import { NAMESPACE, SERVICES } from "../pods/pod-objects.ts";
import { adminText } from "../system/admin-text.ts";
import type { Child } from "../system/children.ts";
import { TemporaryDirectory } from "../system/temporary-directory.ts";
import { breaksWithout } from "./broken.ts";
import { envoyBootstrap } from "./envoy-bootstrap.ts";
import type { Lane, LaneEnv } from "./lane.ts";
import { peerPath, untilUp, whyNoPeer } from "./peer-program.ts";

/** The lane. */
export const ENVOY: Lane = {
  name: "envoy",
  title: "Envoy",
  how: "stock grpc-js, one connection to Envoy, which asks DNS for the pods every 5 s",
  whyNot: ({ hasOnePort }) =>
    hasOnePort
      ? whyNoPeer("envoy")
      : "DNS tells no ports, and on this system the pods have different ones",
  async open(env) {
    await env.podsReady;
    const directory = new TemporaryDirectory();
    try {
      const child = start(env, directory);
      const target = await listening(child, directory, env).catch(async (error: unknown) => {
        await env.children.end(child);
        throw error;
      });
      breaksWithout(child, env);
      const close = (): Promise<void> => directory.remove();
      const chooser = { by: "envoy", admin: adminAddress(directory)! } as const;
      return { target, serviceConfig: "", connections: 1, chooser, close };
    } catch (error) {
      await directory.remove();
      throw error;
    }
  },
};

/** It is asked again, as long as it may take to start. */
const ASK_TIMEOUT_MS = 1000;
/** The file in which it says where its admin interface listens. */
const ADMIN_FILE = "admin-address";

function start({ children, dns, pods }: LaneEnv, directory: TemporaryDirectory): Child {
  const host = `${SERVICES.headless}.${NAMESPACE}.svc.cluster.local`;
  const config = envoyBootstrap({ host, port: pods.clusterIp.port, dns });
  const file = directory.write("envoy.json", JSON.stringify(config));
  return children.foreign("envoy", [
    ...([peerPath("envoy"), "-c", file, "--log-level", "error"] as const),
    ...["--admin-address-path", join(directory.path, ADMIN_FILE)],
    ...["--concurrency", "1", "--disable-hot-restart"],
  ]);
}

/** Resolves with where it listens, once it would balance over the pods. */
async function listening(
  child: Child,
  directory: TemporaryDirectory,
  { clock, pods }: LaneEnv,
): Promise<string> {
  let address = "";
  await untilUp(child, clock, async () => {
    const admin = adminAddress(directory);
    if (admin === null) return false;
    address = /^in::(\S+)$/m.exec(await ask(admin, "/listeners", clock))?.[1] ?? "";
    const stats = await ask(admin, "/stats?filter=membership_healthy", clock);
    const healthy = Number(/membership_healthy: (\d+)/.exec(stats)?.[1] ?? 0);
    return address !== "" && healthy > 0 && healthy >= pods.ready.length;
  });
  return address;
}

function adminAddress(directory: TemporaryDirectory): string | null {
  try {
    return readFileSync(join(directory.path, ADMIN_FILE), "utf8").trim() || null;
  } catch {
    return null;
  }
}

/** What its admin interface answers; "" while it does not. */
async function ask(admin: string, path: string, clock: Clock): Promise<string> {
  try {
    return await adminText(admin, path, clock, ASK_TIMEOUT_MS);
  } catch {
    return "";
  }
}
