/** The way to one xDS server, over real sockets: what its name says while a stream is open. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { eventually } from "../../../../test/kubernetes/wait.ts";
import { ADS_PATH, AdsServer } from "../../../../test/mesh/ads-server.ts";
import { realClock, realRng, silentLogger } from "../../../base/index.ts";
import { TransportLoop } from "../../../transport/index.ts";
import { newEndpointSet } from "../../endpoint.ts";
import { bootstrapOf } from "../bootstrap/bootstrap.ts";
import { ADS_MESSAGE_BYTES_MAX } from "../limits.ts";
import { ServerLink } from "./server-link.ts";

/** A link to the server, started, and what it said. */
function startLink(t: TestContext, server: AdsServer, onMessage: (link: ServerLink) => void) {
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
        const isLong = message.length > 100;
        heard.push(isLong ? `${message.length} bytes` : Buffer.from(message).toString());
        onMessage(link);
      },
      onWritable: () => {},
      onStreamEnded: (reason) => heard.push(reason),
    },
  );
  t.after(() => link.close());
  link.start();
  return { link, heard };
}

test("a name that stands for nothing, or is not found, leaves the open stream alone", async (t) => {
  const server = await AdsServer.start();
  t.after(() => server.close());
  const { link, heard } = startLink(t, server, (to) => to.send(Buffer.from("taken")));
  await eventually("a stream", () => server.calls.size === 1);
  link.onEndpoints(newEndpointSet([], "no records"));
  link.onError("SERVFAIL");
  server.say(Buffer.from("news"));
  await eventually("an answer", () => server.asked.length === 1);
  assert.deepEqual(heard, ["open", "news"]);
  assert.equal(link.canSend, true);
});

test(`an answer has ${ADS_MESSAGE_BYTES_MAX} bytes at most: a longer one ends the stream`, async (t) => {
  const server = await AdsServer.start();
  t.after(() => server.close());
  const { heard } = startLink(t, server, () => {});
  await eventually("a stream", () => server.calls.size === 1);
  server.say(Buffer.alloc(ADS_MESSAGE_BYTES_MAX));
  await eventually("the longest", () => heard.length === 2, 30_000);
  server.say(Buffer.alloc(ADS_MESSAGE_BYTES_MAX + 1));
  await eventually("another stream", () => heard.length === 4, 30_000);
  server.say(Buffer.from("news"));
  await eventually("what is said there", () => heard.length === 5);
  const [open, most] = ["open", `${ADS_MESSAGE_BYTES_MAX} bytes`];
  const over = ADS_MESSAGE_BYTES_MAX + 1;
  const why = `a message of ${over} bytes, more than ${ADS_MESSAGE_BYTES_MAX}`;
  assert.deepEqual(heard, [open, most, why, open, "news"]);
});
