/**
 * The client that h2specd drives: `h2specd-client.ts http://HOST:PORT/`, one request over our
 * connector and engine, until the server ends the connection.
 *
 * It judges nothing: h2specd looks at what comes over the wire.
 */
import { realClock } from "../../src/base/index.ts";
import { headerList, NO_EVENTS, type Stream } from "../../src/http2/index.ts";
import {
  type ClientConnection,
  Connector,
  DEFAULT_CONNECTOR_OPTIONS,
  TransportLoop,
} from "../../src/transport/index.ts";

const url = new URL(process.argv[2] ?? "");
const clock = realClock();
const connector = new Connector(DEFAULT_CONNECTOR_OPTIONS, new TransportLoop(clock));
const request = headerList([
  [":method", "GET"],
  [":scheme", "http"],
  [":path", url.pathname],
  [":authority", url.host],
  ["user-agent", "fairlead-h2specd-client"],
]);

let connection: ClientConnection | null = null;
// A test of h2specd takes up to three seconds; nothing of it may stay longer.
clock.setTimer(5_000, () => process.exit(1)).unref();

connector.connect(url.host, {
  onConnected(made) {
    connection = made;
  },
  onReady() {
    connection!.http2.open(request, true, NO_EVENTS, clock.nowMs());
  },
  onStream(_stream: Stream) {
    throw new Error("servers open no streams");
  },
  onCapacity() {},
  onGoAway() {
    // h2specd has come to its verdict.
    process.exit(0);
  },
  onClosed() {
    // What the engine has to say about the server leaves first, and is read.
    connection?.socket?.once("finish", () => clock.setTimer(50, () => process.exit(0)));
  },
});
