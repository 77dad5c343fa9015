/**
 * Envoy as the proxy of a Gateway, driven by `fairlead control`: plaintext and TLS by server name,
 * routes, what an annotation says, a route that is wrong, a listener that Envoy cannot open (NACK),
 * and a rollout.
 */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import { freePorts, type RunningProcess, startProcess } from "../peers/processes.ts";
import { createAuthority } from "../support/certificates.ts";
import { ControlPlane } from "./control-plane.ts";
import { envoyArgs } from "./envoy.ts";
import { ObjectsDirectory } from "./objects-directory.ts";
import { Pods } from "./pods.ts";

const asIs = (bytes: Buffer): Buffer => bytes;

/** One call: the pod that answered, or "CODE message". */
function say(client: Client, headers: Record<string, string> = {}): Promise<string> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const options = { deadline: Date.now() + 2_000 };
  return new Promise((done) => {
    let peer = "";
    const end = (error: ServiceError | null) =>
      done(error === null ? peer : `${error.code} ${error.details}`);
    const method = "/echo.Echo/Say";
    client
      .makeUnaryRequest(method, asIs, asIs, Buffer.from("x"), metadata, options, end)
      .on("metadata", (found) => {
        peer = String(found.get("x-served-by")[0] ?? "");
      });
  });
}

/** Waits for an answer that is as wanted. */
async function answers(client: Client, want: RegExp, headers = {}): Promise<void> {
  let last = "";
  try {
    await eventually(String(want), async () => {
      last = await say(client, headers);
      return want.test(last);
    });
  } catch {
    assert.match(last, want);
  }
}

const PARENT = { kind: "Gateway", name: "edge" } as const;
const backend = (name: string) => [{ name, port: 50051 }];
const header = (value: string, type = "Exact") => [{ headers: [{ name: "x-to", value, type }] }];

/** A Gateway with its routes, pods, control plane and Envoy. */
class Edge {
  readonly objects: ObjectsDirectory;
  readonly pods: Pods;
  readonly fresh: Pods;
  readonly plane: ControlPlane;
  readonly client: Client;
  readonly secure: Client;
  readonly listeners: readonly object[];
  readonly taken: number;
  readonly adminPort: number;
  readonly #proxy: RunningProcess;

  static async start(envoy: string, echo: string): Promise<Edge> {
    const ports = await freePorts(6);
    const authority = await createAuthority("a test CA");
    const pair = await authority.issue({ names: ["echo.example"] });
    const directory = new ObjectsDirectory();
    return new Edge(
      envoy,
      echo,
      ports,
      { ca: authority.cert, ...pair },
      directory,
      await ControlPlane.start(directory.path),
    );
  }

  private constructor(
    envoy: string,
    echo: string,
    [plain, tls, adminPort, taken, first, second]: readonly number[],
    { ca, cert, key }: { readonly ca: string; readonly cert: string; readonly key: string },
    objects: ObjectsDirectory,
    plane: ControlPlane,
  ) {
    this.objects = objects;
    this.plane = plane;
    this.taken = taken!;
    this.adminPort = adminPort!;
    this.pods = new Pods(echo, objects, "echo", first!);
    this.fresh = new Pods(echo, objects, "v2", second!);
    const stringData = { "tls.crt": cert, "tls.key": key };
    objects.put("Secret", "v1", "cert", { type: "kubernetes.io/tls", stringData });
    for (const name of ["echo", "v2"]) objects.service(name);
    const certificateRefs = [{ name: "cert" }];
    const secure = { name: "https", port: tls, protocol: "HTTPS", hostname: "echo.example" };
    this.listeners = [
      { name: "http", port: plain, protocol: "HTTP" },
      { ...secure, tls: { certificateRefs } },
    ];
    objects.gateway("edge", this.listeners);
    objects.route("echo", PARENT, [
      { backendRefs: backend("echo") },
      { matches: header("v2"), backendRefs: backend("v2") },
    ]);
    const metadata = {
      "fairlead.kind": "gateway",
      "fairlead.gateway": "prod/edge",
      "fairlead.listen-host": "127.0.0.1",
    };
    const control = plane.address;
    const args = envoyArgs({ control, adminPort: adminPort!, metadata, isDelta: true });
    this.#proxy = startProcess(envoy, args, { name: "envoy" });
    this.client = new Client(`127.0.0.1:${plain}`, credentials.createInsecure());
    this.secure = new Client(`127.0.0.1:${tls}`, credentials.createSsl(Buffer.from(ca)), {
      "grpc.ssl_target_name_override": "echo.example",
      "grpc.default_authority": "echo.example",
    });
  }

  async close(): Promise<void> {
    this.client.close();
    this.secure.close();
    await this.#proxy.stop();
    await this.plane.kill();
    await Promise.all([this.pods.close(), this.fresh.close()]);
    this.objects.close();
  }
}

const PODS = /^127\.0\.60\.[12]:/;

async function doesWhatAnnotationsSay({ client, objects, adminPort }: Edge): Promise<void> {
  const peersBy = async (headers: Record<string, string>): Promise<number> => {
    const all = await Promise.all(Array.from({ length: 30 }, () => say(client, headers)));
    for (const answer of all) assert.match(answer, PODS);
    return new Set(all).size;
  };
  const set = (config: object) => objects.service("echo", { config });
  const ann = { "x-user": "ann" };
  assert.equal(await peersBy(ann), 2);
  set({ loadBalancingConfig: [{ ring_hash: { requestHashHeader: "x-user" } }] });
  await eventually("one pod for one user", async () => (await peersBy(ann)) === 1);
  const retryPolicy = {
    ...{ maxAttempts: 3, initialBackoff: "0.01s", maxBackoff: "0.1s", backoffMultiplier: 2 },
    retryableStatusCodes: ["UNAVAILABLE"],
  };
  set({ methodConfig: [{ name: [{}], timeout: "0.5s", retryPolicy }] });
  await answers(client, /^4 /, { "x-sleep-ms": "1500" });
  // A pod cannot tell Envoy's attempts apart: Envoy counts them.
  assert.match(await say(client, { "x-fail-times": "9" }), /^14 /);
  const stats = await fetch(`http://127.0.0.1:${adminPort}/stats?filter=upstream_rq_retry$`);
  assert.match(await stats.text(), /prod.echo.*upstream_rq_retry: 2$/m);
  set({});
  await answers(client, PODS, { "x-sleep-ms": "700" });
}

test("Envoy as the proxy of a Gateway", async (t) => {
  const [envoy, echo] = ["envoy", "echo-server"].map((name) => requirePeer(t, name));
  if (!envoy || !echo) return;
  const edge = await Edge.start(envoy, echo);
  t.after(() => edge.close());
  const { client, objects } = edge;
  await edge.pods.add("127.0.60.1", "127.0.60.2");
  await edge.fresh.add("127.0.60.9");

  await t.test("calls go by route, in plaintext and by TLS with a certificate by SDS", async () => {
    await answers(client, PODS);
    await answers(client, /^127\.0\.60\.9:/, { "x-to": "v2" });
    await answers(edge.secure, PODS);
  });

  await t.test("Envoy does what the annotation says of policy, time and retries", () =>
    doesWhatAnnotationsSay(edge),
  );

  await t.test("a route that is wrong is refused by itself", async () => {
    const wrong = header("(?=x)", "RegularExpression");
    objects.route("bad", PARENT, [{ matches: wrong, backendRefs: backend("v2") }]);
    const nobody = [{ name: "nobody", port: 1 }];
    objects.route("nobody", PARENT, [{ matches: header("nobody"), backendRefs: nobody }]);
    await answers(client, /^14 .*Service prod\/nobody does not exist/, { "x-to": "nobody" });
    await answers(client, PODS, { "x-to": "x" });
  });

  await t.test("a listener that Envoy rejects is shown, and what it had stays", async () => {
    const holder = createServer();
    await new Promise<void>((done) => holder.listen(edge.taken, "127.0.0.1", done));
    const taken = { name: "taken", port: edge.taken, protocol: "HTTP" };
    objects.gateway("edge", [...edge.listeners, taken]);
    await eventually("a NACK in the log", () => /node rejected/.test(edge.plane.output));
    assert.match(edge.plane.output, /Address already in use/i);
    await answers(client, PODS);
    objects.gateway("edge", edge.listeners);
    holder.close();
  });

  await t.test("a rollout and an outage of the control plane fail no call", async () => {
    let isOver = false;
    const failed: string[] = [];
    const load = (async () => {
      while (!isOver) {
        const answer = await say(client);
        if (!answer.startsWith("127.")) failed.push(answer);
      }
    })();
    const pause = () => new Promise((done) => setTimeout(done, 400));
    const pairs = [1, 2].map((pod) => [`127.0.60.${pod}`, `127.0.60.1${pod}`] as const);
    await edge.pods.replace(pairs, pause);
    await edge.plane.kill();
    await pause();
    isOver = true;
    await load;
    assert.deepEqual(failed, []);
    await answers(client, /^127\.0\.60\.1[12]:/);
  });
});
