/**
 * The webhook: what is answered to reviews, over TLS; certificates that several replicas share, and
 * that are renewed in time.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { request } from "node:https";
import { afterEach, test } from "node:test";
import { RecordingLogger, realClock, VirtualClock } from "../../../base/index.ts";
import type { ObjectWriter, WriteResult } from "../../../discovery/index.ts";
import { Registry } from "../../../telemetry/index.ts";
import { INJECT_DEFAULTS } from "../options.ts";
import { CertificateStore, StoreError } from "./certificate-store.ts";
import { AUTHORITY_MS, CERTIFICATE_MS, renewCertificates } from "./certificates.ts";
import { InjectWebhook, LOOK_MS } from "./inject-webhook.ts";
import { answerReview } from "./review.ts";
import { REVIEW_BYTES_MAX } from "./server.ts";

const OPTIONS = { ...INJECT_DEFAULTS, image: "registry.example/fairlead:1" };
const NAMES = ["fairlead-control.fairlead.svc", "127.0.0.1"];
const PLACE = {
  ...{ namespace: "fairlead", secret: "fairlead-webhook", configuration: "fairlead", names: NAMES },
};

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** Objects as an API server keeps them: who writes an old version is told of a conflict. */
class MemoryWriter implements ObjectWriter {
  readonly objects = new Map<string, Record<string, unknown>>();
  failure: WriteResult["failure"] = null;
  writes = 0;
  #version = 0;

  send(...[verb, at, body, onDone]: Parameters<ObjectWriter["send"]>): { close(): void } {
    const key = `${at.plural}/${at.namespace}/${at.name}`;
    queueMicrotask(() => onDone(this.#do(verb, key, body as Record<string, unknown>)));
    return { close: () => {} };
  }

  #do(verb: string, key: string, body: Record<string, unknown>): WriteResult {
    if (this.failure !== null) return { object: null, failure: this.failure };
    const fail = (kind: "absent" | "conflict"): WriteResult => ({
      ...{ object: null, failure: { kind, reason: `${key}: ${kind}`, retryAfterMs: 0 } },
    });
    const known = this.objects.get(key);
    if (verb === "get") return known ? { object: known, failure: null } : fail("absent");
    const version = (body.metadata as { resourceVersion?: string }).resourceVersion;
    const isLate = verb === "create" ? known !== undefined : version !== versionOf(known);
    if (isLate) return fail("conflict");
    this.#version += 1;
    this.writes += 1;
    const resourceVersion = String(this.#version);
    const object = { ...body, metadata: { ...(body.metadata as object), resourceVersion } };
    this.objects.set(key, object);
    return { object, failure: null };
  }

  close(): void {}
}

function versionOf(object: Record<string, unknown> | undefined): string | undefined {
  return (object?.metadata as { resourceVersion?: string } | undefined)?.resourceVersion;
}

const CONFIGURATION = "mutatingwebhookconfigurations//fairlead";

function withConfiguration(writer: MemoryWriter): MemoryWriter {
  writer.objects.set(CONFIGURATION, {
    metadata: { name: "fairlead", resourceVersion: "0" },
    webhooks: [{ name: "pods.fairlead.dev", clientConfig: { url: "https://127.0.0.1/inject" } }],
  });
  return writer;
}

function caOf(writer: MemoryWriter): string {
  const [hook] = writer.objects.get(CONFIGURATION)!.webhooks as {
    clientConfig: { caBundle: string; url: string };
  }[];
  assert.equal(hook!.clientConfig.url, "https://127.0.0.1/inject", "all else stays");
  return Buffer.from(hook!.clientConfig.caBundle, "base64").toString();
}

function reviewOf(more: Record<string, unknown> = {}): string {
  const pod = {
    metadata: { name: "echo", annotations: { "a.b/c~d": "1" } },
    spec: { containers: [{ name: "app" }] },
  };
  const kind = { group: "", version: "v1", kind: "Pod" };
  const request = {
    uid: "u-1",
    kind,
    operation: "CREATE",
    namespace: "prod",
    object: pod,
    ...more,
  };
  return JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request });
}

function responseOf(body: string) {
  return JSON.parse(body).response as {
    uid: string;
    allowed: boolean;
    patchType?: string;
    patch?: string;
    warnings?: string[];
  };
}

test("a pod that is made is patched; keys are escaped as RFC 6901 says", () => {
  const { status, body, outcome } = answerReview(reviewOf(), OPTIONS);
  assert.deepEqual([status, outcome], [200, "injected"]);
  const response = responseOf(body);
  assert.deepEqual(
    [response.uid, response.allowed, response.patchType],
    ["u-1", true, "JSONPatch"],
  );
  const patch = JSON.parse(Buffer.from(response.patch!, "base64").toString());
  assert.deepEqual(
    patch.map(({ op, path }: { op: string; path: string }) => `${op} ${path}`),
    ["add /metadata/annotations/fairlead.dev~1status", "add /spec/initContainers"],
  );
  assert.equal(patch[1].value[1].restartPolicy, "Always");
});

test("what cannot or need not be injected is allowed as it is, and told why", () => {
  const spec = { hostNetwork: true, containers: [] };
  const refused = answerReview(reviewOf({ object: { spec } }), OPTIONS);
  const { allowed, patch, warnings } = responseOf(refused.body);
  assert.deepEqual([allowed, patch], [true, undefined]);
  assert.match(warnings![0]!, /^fairlead: the pod is not injected: hostNetwork/);
  const kind = { group: "apps", version: "v1", kind: "Deployment" };
  assert.equal(responseOf(answerReview(reviewOf({ kind }), OPTIONS).body).allowed, true);
  const update = answerReview(reviewOf({ operation: "UPDATE" }), OPTIONS);
  assert.equal(update.outcome, "skipped");
});

test("a review that makes no sense is refused with the reason", () => {
  const cases = [
    ["", /not JSON/],
    ["[]", /must be an AdmissionReview of admission.k8s.io\/v1/],
    [reviewOf().replace("k8s.io/v1", "k8s.io/v1beta1"), /must be an AdmissionReview/],
    [reviewOf({ uid: 1 }), /request.uid is missing/],
    [reviewOf({ object: null }), /request.object is missing/],
    ['{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}', /request.uid is missing/],
  ] as const;
  for (const [text, reason] of cases) {
    const { status, body, outcome } = answerReview(text, OPTIONS);
    assert.deepEqual([status, outcome], [400, "malformed"], text);
    assert.match(body, reason);
  }
});

test("certificates are made once and renewed in time; the old authority stays trusted", async () => {
  const startMs = Date.parse("2026-01-01T00:00:00Z");
  const first = (await renewCertificates(null, NAMES, startMs))!;
  const leaf = new X509Certificate(first.cert);
  assert.ok(leaf.verify(new X509Certificate(first.ca).publicKey));
  assert.equal(leaf.checkHost(NAMES[0]!), NAMES[0]);
  assert.equal(leaf.checkIP("127.0.0.1"), "127.0.0.1");
  assert.equal(await renewCertificates(first, NAMES, startMs + CERTIFICATE_MS / 2), null);
  const later = startMs + (CERTIFICATE_MS * 3) / 4;
  const second = (await renewCertificates(first, NAMES, later))!;
  assert.equal(second.ca, first.ca, "the authority is not due");
  assert.notEqual(second.cert, first.cert);
  const third = (await renewCertificates(second, NAMES, startMs + (AUTHORITY_MS * 3) / 4))!;
  assert.ok(third.ca.includes(first.ca.trim()), "what others show still is trusted");
  assert.ok(new X509Certificate(third.cert).verify(new X509Certificate(third.ca).publicKey));
  const more = [...NAMES, "10.96.0.1"];
  assert.notEqual(await renewCertificates(first, more, startMs), null, "another name is asked for");
  const broken = { ...first, caKey: "x" };
  assert.notEqual((await renewCertificates(broken, NAMES, startMs))!.caKey, "x");
});

test("replicas that start at once share one certificate, whoever comes first", async () => {
  const writer = withConfiguration(new MemoryWriter());
  const stores = [1, 2, 3].map(() => new CertificateStore(writer, PLACE));
  const all = await Promise.all(stores.map((store) => store.ensure(1e12)));
  assert.equal(new Set(all.map(({ cert }) => cert)).size, 1);
  assert.equal(writer.writes, 1);
  const trusted = await Promise.all(stores.map((store) => store.trust(all[0]!.ca)));
  assert.equal(trusted.filter((isChanged) => isChanged).length, 1);
  assert.equal(caOf(writer), all[0]!.ca);
});

test("without rights there are no certificates, and the reason is told", async () => {
  const writer = new MemoryWriter();
  writer.failure = { kind: "forbidden", reason: "secrets: get is forbidden", retryAfterMs: 0 };
  await assert.rejects(new CertificateStore(writer, PLACE).ensure(0), (error: Error) => {
    return error instanceof StoreError && error.message === "secrets: get is forbidden";
  });
});

async function startWebhook(writer: ObjectWriter) {
  const clock = new VirtualClock();
  // TLS of a client looks at the real time.
  clock.advance(realClock().wallMs() - clock.wallMs());
  const log = new RecordingLogger();
  const registry = new Registry();
  const listen = { host: "127.0.0.1", port: 0 };
  const webhook = new InjectWebhook(
    { ...PLACE, listen, inject: OPTIONS },
    { clock, log, registry, writer },
  );
  const address = await webhook.start();
  ends.push(() => webhook.close());
  return { clock, log, webhook, url: `https://${address}` };
}

/** A request over TLS that trusts `ca`. */
async function ask(url: string, ca: string, method = "GET", body = "") {
  const asked = request(url, { method, ca, servername: NAMES[0]!, agent: false });
  asked.end(body);
  const [response] = await once(asked, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode as number, text };
}

test("over TLS: reviews are answered, all else is refused in clear words", async () => {
  const writer = withConfiguration(new MemoryWriter());
  const { url } = await startWebhook(writer);
  const ca = caOf(writer);
  const injected = await ask(`${url}/inject?timeout=10s`, ca, "POST", reviewOf());
  assert.equal(injected.status, 200);
  assert.equal(responseOf(injected.text).patchType, "JSONPatch");
  assert.deepEqual(await ask(`${url}/livez`, ca), { status: 200, text: "live\n" });
  assert.equal((await ask(`${url}/other`, ca)).status, 404);
  assert.equal((await ask(`${url}/inject`, ca)).status, 405);
  assert.equal((await ask(`${url}/inject`, ca, "POST", "{")).status, 400);
  const large = await ask(`${url}/inject`, ca, "POST", "x".repeat(REVIEW_BYTES_MAX + 1));
  assert.equal(large.status, 413);
});

test("a certificate that another replica renewed is taken up without a restart", async () => {
  const writer = withConfiguration(new MemoryWriter());
  const { clock, log, url } = await startWebhook(writer);
  writer.objects.delete("secrets/fairlead/fairlead-webhook");
  clock.advance(LOOK_MS);
  while (!log.entries.some(({ msg }) => msg === "webhook certificate renewed")) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const injected = await ask(`${url}/inject`, caOf(writer), "POST", reviewOf());
  assert.equal(injected.status, 200);
});
