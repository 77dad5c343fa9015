/** What CSDS tells of an xDS client, and what it never tells: keys. gRFC A40. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { bytesOf } from "../../../../test/mesh/json-bytes.ts";
import { cluster, endpoints, type Json, manager, ROUTER } from "../../../../test/mesh/resources.ts";
import type { ResourceStatus } from "../../../discovery/index.ts";
import type { ServerCall } from "../../../server/index.ts";
import {
  ClientResourceStatus,
  ClientStatusRequestSchema,
  ClientStatusResponseSchema,
  FilterChainSchema,
  ListenerSchema,
  NodeSchema,
  RESOURCE_TYPES,
} from "../../../xds/index.ts";
import { CLIENT_STATUS_CONTENT_BYTES_MAX, csdsMethods } from "./methods.ts";

const TYPE = "type.googleapis.com/";
const TLS = `${TYPE}envoy.extensions.transport_sockets.tls.v3.`;
const KEY = "-----BEGIN PRIVATE KEY----- of a test";

function statusOf(type: keyof typeof RESOURCE_TYPES, bytes: Uint8Array | null): ResourceStatus {
  return {
    ...{ typeUrl: RESOURCE_TYPES[type], kind: type, name: "r", state: "ACKED", version: "7" },
    ...{ updatedMs: 1_700_000_000_000, bytes, refused: null, reason: null },
  };
}

/** The answer to a request, or the status and words with which it is refused. */
function ask(resources: readonly ResourceStatus[], request: object = {}) {
  const node = create(NodeSchema, { id: "me" });
  const status = { node, trouble: null, resources };
  const [fetch] = csdsMethods(() => [{ scope: "xds:///a", status }]);
  const said: { bytes: Uint8Array | null; end: unknown[] } = { bytes: null, end: [] };
  const call = {
    unreadBytes: 0,
    send: ([bytes]: readonly Uint8Array[]) => (said.bytes = bytes!),
    end: (...end: unknown[]) => said.end.push(...end),
  };
  const bytes = toBinary(ClientStatusRequestSchema, create(ClientStatusRequestSchema, request));
  fetch!.open(call as unknown as ServerCall).onMessage(bytes);
  if (said.bytes === null) return said.end;
  return fromBinary(ClientStatusResponseSchema, said.bytes).config;
}

function one(resource: ResourceStatus) {
  const [config] = ask([resource]) as Exclude<ReturnType<typeof ask>, unknown[]>[];
  return (config as unknown as { genericXdsConfigs: Shown[] }).genericXdsConfigs[0]!;
}

interface Shown {
  readonly xdsConfig?: { readonly value: Uint8Array };
  readonly clientStatus: ClientResourceStatus;
  readonly versionInfo: string;
  readonly errorState?: { readonly details: string; readonly versionInfo: string };
}

const text = (shown: Shown) => Buffer.from(shown.xdsConfig?.value ?? []).toString("latin1");

const certificates = {
  tlsCertificates: [
    {
      certificateChain: { inlineString: "the chain" },
      privateKey: { inlineString: KEY },
      password: { inlineString: "the password" },
    },
  ],
};

test("a listener is shown without its key, its tickets' keys and extensions that are not known", () => {
  const filter = {
    ...{ name: "other", isOptional: true },
    typedConfig: { "@type": `${TYPE}envoy.config.core.v3.Node`, id: "a secret of a filter" },
  };
  const context: Json = {
    "@type": `${TLS}DownstreamTlsContext`,
    commonTlsContext: certificates,
    sessionTicketKeys: { keys: [{ inlineString: "a ticket" }] },
  };
  const listener = {
    "@type": `${TYPE}envoy.config.listener.v3.Listener`,
    name: "edge",
    filterChains: [
      {
        filters: [{ name: "hcm", typedConfig: manager("the table", [filter]) }],
        transportSocket: { name: "tls", typedConfig: context },
      },
    ],
  };
  const bytes = bytesOf(listener);
  const whole = Buffer.from(bytes).toString("latin1");
  const shown = text(one(statusOf("LDS", bytes)));
  for (const secret of [KEY, "the password", "a ticket", "a secret of a filter"]) {
    assert.ok(whole.includes(secret), `${secret} is there`);
    assert.ok(!shown.includes(secret), `${secret} is not shown`);
  }
  for (const told of ["edge", "the chain", "the table", "other", String(ROUTER.name)]) {
    assert.ok(shown.includes(told), `${told} is shown`);
  }
});

test("a cluster is shown without its key, endpoints as they are, a secret not at all", () => {
  const context = { "@type": `${TLS}UpstreamTlsContext`, commonTlsContext: certificates };
  const socket = { name: "tls", typedConfig: context };
  const matches = [{ name: "m", match: {}, transportSocket: socket }];
  const bytes = bytesOf(cluster("c", { transportSocket: socket, transportSocketMatches: matches }));
  const shown = text(one(statusOf("CDS", bytes)));
  assert.ok(shown.includes("the chain") && !shown.includes(KEY) && !shown.includes("password"));
  const assignment = bytesOf(endpoints("c", ["127.0.0.1:1"]));
  assert.deepEqual(one(statusOf("EDS", assignment)).xdsConfig!.value, assignment);
  const secret = one(statusOf("SDS", Buffer.from(KEY)));
  assert.deepEqual([secret.xdsConfig, secret.versionInfo], [undefined, "7"]);
});

test("a part that is no message of its type is left out, and the rest is shown", () => {
  const broken = { typeUrl: `${TLS}DownstreamTlsContext`, value: Buffer.from([0x0a, 0xff]) };
  const chain = create(FilterChainSchema, {
    transportSocket: { name: "tls", configType: { case: "typedConfig", value: broken } },
  });
  const listener = create(ListenerSchema, { name: "edge", filterChains: [chain] });
  const shown = one(statusOf("LDS", toBinary(ListenerSchema, listener)));
  const [found] = fromBinary(ListenerSchema, shown.xdsConfig!.value).filterChains;
  assert.equal((found!.transportSocket!.configType.value as { value: Uint8Array }).value.length, 0);
});

test("what was refused is told with its version and why, beside what stays in use", () => {
  const refused = { version: "8", reason: "lb_policy is bad", atMs: 1_700_000_001_000 };
  const good = statusOf("CDS", bytesOf(cluster("c")));
  const shown = one({ ...good, state: "NACKED", refused, reason: refused.reason });
  assert.deepEqual(
    [shown.clientStatus, shown.versionInfo, shown.errorState?.versionInfo],
    [ClientResourceStatus.NACKED, "7", "8"],
  );
  assert.equal(shown.errorState?.details, "lb_policy is bad");
  const absent = one({ ...statusOf("CDS", null), state: "DOES_NOT_EXIST", version: "" });
  assert.equal(absent.clientStatus, ClientResourceStatus.DOES_NOT_EXIST);
});

test("contents have CLIENT_STATUS_CONTENT_BYTES_MAX bytes together; none where none are wanted", () => {
  const name = "c".repeat(CLIENT_STATUS_CONTENT_BYTES_MAX / 2);
  const large = statusOf("CDS", bytesOf(cluster(name)));
  const of = (request: object): boolean[] => {
    const [config] = ask([large, statusOf("CDS", bytesOf(cluster("c"))), large], request);
    const { genericXdsConfigs } = config as unknown as { genericXdsConfigs: Shown[] };
    return genericXdsConfigs.map(({ xdsConfig }) => xdsConfig !== undefined);
  };
  assert.deepEqual(of({}), [true, true, false]);
  assert.deepEqual(of({ excludeResourceContents: true }), [false, false, false]);
});

test("A40: it answers for itself alone, and says so when it is asked for other nodes", () => {
  assert.deepEqual(ask([], { nodeMatchers: [{}] }), [
    ...[3, "node_matchers: a client has one node, itself"],
  ]);
});
