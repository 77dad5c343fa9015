/** The way to one xDS server, over real sockets: what its name says while a stream is open. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../../test/kubernetes/wait.ts";
import { ADS_PATH, AdsServer } from "../../../../test/mesh/ads-server.ts";
import { realClock, realRng, silentLogger } from "../../../base/index.ts";
import { TransportLoop } from "../../../transport/index.ts";
import { newEndpointSet } from "../../endpoint.ts";
import { bootstrapOf } from "../bootstrap/bootstrap.ts";
import { ServerLink } from "./server-link.ts";

test("a name that stands for nothing, or is not found, leaves the open stream alone", async (t) => {
  const server = await AdsServer.start();
  t.after(() => server.close());
  const channel_creds = [{ type: "insecure" }];
  const listed = [{ server_uri: server.address, channel_creds }];
  const [first] = bootstrapOf({ xds_servers: listed, node: { id: "me" } }, "t").servers;
  const clock = realClock();
  const system = { clock, rng: realRng(), log: silentLogger, loop: new TransportLoop(clock) };
  const heard: string[] = [];
  const link = new ServerLink(
    first!,
    ADS_PATH,
    { ...system, version: "1", isUnref: true },
    {
      onStreamOpen: () => heard.push("open"),
      onMessage: (message) => {
        heard.push(Buffer.from(message).toString());
        link.send(Buffer.from("taken"));
      },
      onStreamEnded: (reason) => heard.push(reason),
    },
  );
  t.after(() => link.close());
  link.start();
  await eventually("a stream", () => server.calls.size === 1);
  link.onEndpoints(newEndpointSet([], "no records"));
  link.onError("SERVFAIL");
  server.say(Buffer.from("news"));
  await eventually("an answer", () => server.asked.length === 1);
  assert.deepEqual(heard, ["open", "news"]);
  assert.equal(link.isOpen, true);
});
