/** The bootstrap: gRFCs A27, A29, A65, A71, A88; each mistake names its field. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBootstrap } from "./bootstrap.ts";
import { loadBootstrap } from "./load.ts";

const SERVER = { server_uri: "a:1", channel_creds: [{ type: "insecure" }] };
const parse = (json: unknown) => parseBootstrap(JSON.stringify(json), "text");

test("A27, A88: servers in order, the first credentials that are known, features, the node", () => {
  const { servers, node, listenerTemplate, certificateProviders } = parse({
    xds_servers: [
      {
        server_uri: "dns:///control.mesh:18000",
        channel_creds: [
          { type: "google_default" },
          { type: "tls", config: { ca_certificate_file: "/ca" } },
        ],
        server_features: ["xds_v3", "fail_on_data_errors", "resource_timer_is_transient_error"],
      },
      SERVER,
    ],
    authorities: { other: {} },
    node: { id: "n", locality: { zone: "eu-1a" }, metadata: { "fairlead.kind": "grpc" } },
    certificate_providers: {
      one: {
        plugin_name: "file_watcher",
        config: { certificate_file: "/c", private_key_file: "/k" },
      },
      two: { plugin_name: "other" },
    },
  });
  assert.deepEqual(servers[0], {
    uri: "dns:///control.mesh:18000",
    credentials: { kind: "tls", caFile: "/ca", certFile: null, keyFile: null },
    failsOnDataErrors: true,
    timerIsTransient: true,
  });
  assert.deepEqual(servers[1]!.credentials, { kind: "insecure" });
  assert.deepEqual([node.id, node.locality.zone, listenerTemplate], ["n", "eu-1a", "%s"]);
  assert.deepEqual([...certificateProviders.keys()], ["one"]);
});

const REFUSED: readonly (readonly [json: unknown, message: RegExp])[] = [
  [{}, /xDS bootstrap text: xds_servers must name at least one server/],
  [{ xds_servers: [{}] }, /xds_servers\[0\]\.server_uri is missing/],
  [
    { xds_servers: [{ server_uri: "a:1", channel_creds: [{ type: "x" }] }] },
    /xds_servers\[0\]\.channel_creds must have an entry of type insecure or tls, not x/,
  ],
  [
    {
      xds_servers: [
        { server_uri: "a:1", channel_creds: [{ type: "tls", config: { certificate_file: "/c" } }] },
      ],
    },
    /must have both certificate_file and private_key_file, or neither/,
  ],
  [{ xds_servers: [SERVER], node: { id: 1 } }, /node\.id must be a string/],
];

for (const [json, message] of REFUSED) {
  test(`the bootstrap is refused: ${message.source}`, () => {
    assert.throws(() => parse(json), message);
  });
}

test("A27: the environment names a file or has the text; without either it is said what to do", () => {
  const text = JSON.stringify({ xds_servers: [SERVER] });
  assert.equal(loadBootstrap({ GRPC_XDS_BOOTSTRAP_CONFIG: text }).servers.length, 1);
  assert.throws(() => loadBootstrap({}), /set GRPC_XDS_BOOTSTRAP to a bootstrap file/);
  const both = { GRPC_XDS_BOOTSTRAP: "/does/not/exist", GRPC_XDS_BOOTSTRAP_CONFIG: text };
  assert.throws(() => loadBootstrap(both), /bootstrap \/does\/not\/exist cannot be read: ENOENT/);
  assert.throws(() => loadBootstrap({ GRPC_XDS_BOOTSTRAP_CONFIG: "{" }), /is not JSON/);
});
