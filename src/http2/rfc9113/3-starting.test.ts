/**
 * RFC 9113 §3: how a connection begins, in both roles.
 */
import {
  ascii,
  frame,
  headers,
  join,
  PREFACE_TEXT,
  ping,
  REQUEST,
  RESPONSE,
  SETTING,
  SETTINGS_ACK,
  settings,
} from "../../../test/support/http2-frames.ts";
import { type Peer, wireTests } from "../../../test/support/http2-peer.ts";

const PREFACE = ascii(PREFACE_TEXT);
const SERVER_HELLO = [
  "SETTINGS MAX_CONCURRENT_STREAMS=7 INITIAL_WINDOW_SIZE=70000 MAX_HEADER_LIST_SIZE=5000",
  "WINDOW_UPDATE 0 +34465",
] as const;
const CLIENT_HELLO = [
  "SETTINGS ENABLE_PUSH=0 INITIAL_WINDOW_SIZE=70000 MAX_HEADER_LIST_SIZE=5000",
  "WINDOW_UPDATE 0 +34465",
] as const;
const config = {
  maxStreams: 7,
  streamWindowBytes: 70_000,
  connectionWindowBytes: 100_000,
  headerListBytesMax: 5_000,
};
const NOT_H2 = 'GOAWAY last=0 code=PROTOCOL_ERROR "not the HTTP/2 client preface"';
const NOT_SETTINGS = 'GOAWAY last=0 code=PROTOCOL_ERROR "the first frame is not SETTINGS"';

wireTests([
  {
    section: "3.4",
    name: "a server says its settings at once, without waiting for the client",
    isRaw: true,
    config,
    script: (peer) => peer.want(...SERVER_HELLO),
  },
  {
    section: "3.4",
    name: "a client says the preface and its settings at once; its streams may follow",
    role: "client",
    isRaw: true,
    config,
    script: (peer) => {
      peer.open(true);
      peer.want(
        ...CLIENT_HELLO,
        "HEADERS 1 :method=POST :scheme=http :path=/s/m :authority=a END_STREAM",
      );
    },
  },
  {
    section: "3.4",
    name: "preface, SETTINGS and a request in one read are all taken",
    isRaw: true,
    config,
    script: (peer) =>
      peer
        .send(PREFACE, settings(), SETTINGS_ACK, headers(1, REQUEST, 1))
        .want(...SERVER_HELLO, "SETTINGS ACK")
        .heard("ready", "request 1 :method=POST :scheme=http :path=/s/m :authority=a END"),
  },
  {
    section: "3.4",
    name: "a connection window that is not larger than the RFC's is not announced",
    isRaw: true,
    config: { ...config, connectionWindowBytes: 65_535 },
    script: (peer) => peer.want(SERVER_HELLO[0]),
  },
  ...["GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "\0", "PRI * HTTP/1.1\r\n"].map(
    (text) => ({
      section: "3.4",
      name: `${JSON.stringify(text)} is no preface`,
      isRaw: true,
      config,
      script: (peer: Peer) =>
        peer
          .send(ascii(text))
          .want(...SERVER_HELLO, NOT_H2)
          .heard('failure PROTOCOL_ERROR by library "not the HTTP/2 client preface"'),
    }),
  ),
  ...(["server", "client"] as const).flatMap((role) =>
    [
      { what: "PING", bytes: ping() },
      { what: "HEADERS", bytes: headers(1, role === "server" ? REQUEST : RESPONSE) },
      { what: "the ACK of our SETTINGS", bytes: SETTINGS_ACK },
      { what: "a frame of an unknown type", bytes: frame(0x2a, 0, 0) },
    ].map(({ what, bytes }) => ({
      section: "3.4",
      name: `${role}: ${what} before SETTINGS is PROTOCOL_ERROR`,
      role,
      isRaw: true,
      config,
      script: (peer: Peer) =>
        peer
          .send(role === "server" ? join(PREFACE, bytes) : bytes)
          .want(...(role === "server" ? SERVER_HELLO : CLIENT_HELLO), NOT_SETTINGS),
    })),
  ),
  {
    section: "3.4",
    name: "a client is ready with the server's SETTINGS, and acknowledges them",
    role: "client",
    isRaw: true,
    config,
    script: (peer) =>
      peer
        .send(settings([SETTING.MAX_CONCURRENT_STREAMS, 5]))
        .want(...CLIENT_HELLO, "SETTINGS ACK")
        .heard("ready"),
  },
]);
