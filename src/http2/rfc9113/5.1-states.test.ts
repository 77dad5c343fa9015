/**
 * RFC 9113 §5.1: the states of a stream; each pair of a state and an event, on paper and on the
 * wire, in both roles.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  data,
  frame,
  headers,
  type Pairs,
  priority,
  REQUEST,
  RESPONSE,
  rstStream,
  windowUpdate,
} from "../../../test/support/http2-frames.ts";
import { type Peer, wireTests } from "../../../test/support/http2-peer.ts";
import { headerList } from "../index.ts";
import { ILLEGAL, nextState, State, StreamEvent } from "../stream/state.ts";

const { IDLE, OPEN, HALF_CLOSED_LOCAL, HALF_CLOSED_REMOTE, CLOSED } = State;

/** Rows: states. Columns: HEADERS, SEND_END, RECV_END, RESET. */
const EXPECTED = [
  [IDLE, [OPEN, ILLEGAL, ILLEGAL, ILLEGAL]],
  [OPEN, [ILLEGAL, HALF_CLOSED_LOCAL, HALF_CLOSED_REMOTE, CLOSED]],
  [HALF_CLOSED_LOCAL, [ILLEGAL, ILLEGAL, CLOSED, CLOSED]],
  [HALF_CLOSED_REMOTE, [ILLEGAL, CLOSED, ILLEGAL, CLOSED]],
  [CLOSED, [ILLEGAL, ILLEGAL, ILLEGAL, ILLEGAL]],
] as const;

for (const [state, nexts] of EXPECTED) {
  for (const [event, next] of nexts.entries()) {
    const names = [
      Object.keys(State)[state],
      Object.keys(StreamEvent)[event],
      next === ILLEGAL ? "illegal" : Object.keys(State)[next],
    ];
    test(`RFC 9113 §5.1: ${names[0]} and ${names[1]} make ${names[2]}`, () => {
      assert.equal(nextState(state, event), next);
    });
  }
}

const RESPONSE_LIST = headerList([[":status", "200"]]);
const TRAILERS: Pairs = [["x", "1"]];
const goAway = (last: number, code: string) => `GOAWAY last=${last} code=${code}`;

/** Brings stream 1 into a state, as a server; stream 3 is open beside it. */
const SERVER_SETUPS = {
  idle: (peer: Peer) => peer,
  open: (peer: Peer) => peer.send(headers(1, REQUEST)),
  "half-closed (remote)": (peer: Peer) => peer.send(headers(1, REQUEST, 1)),
  "half-closed (local)": (peer: Peer) => {
    peer.send(headers(1, REQUEST));
    peer.on(1).stream.sendHeaders(RESPONSE_LIST, true);
    return peer;
  },
  "closed by both ends": (peer: Peer) => {
    peer.send(headers(1, REQUEST, 1));
    peer.on(1).stream.sendHeaders(RESPONSE_LIST, true);
    return peer;
  },
  "closed by our reset": (peer: Peer) => {
    peer.send(headers(1, REQUEST));
    peer.on(1).stream.reset(8);
    return peer;
  },
  "closed by the peer's reset": (peer: Peer) => peer.send(headers(1, REQUEST), rstStream(1, 8)),
} as const;

type Setup = keyof typeof SERVER_SETUPS;

const FRAMES = {
  DATA: data(1, "abc"),
  "DATA with END_STREAM": data(1, "abc", 1),
  "trailers with END_STREAM": headers(1, TRAILERS, 1),
  RST_STREAM: rstStream(1, 8),
  WINDOW_UPDATE: windowUpdate(1, 100),
  PRIORITY: priority(1, 3),
} as const;

/** What a server answers to a frame in a state; "" is nothing. */
type ServerAnswers = Readonly<Record<keyof typeof FRAMES, string>>;

const SERVER_ANSWERS: readonly (readonly [Setup, ServerAnswers])[] = [
  [
    "idle",
    {
      DATA: `${goAway(0, "PROTOCOL_ERROR")} "DATA on an idle stream"`,
      "DATA with END_STREAM": `${goAway(0, "PROTOCOL_ERROR")} "DATA on an idle stream"`,
      "trailers with END_STREAM": "RST_STREAM 1 PROTOCOL_ERROR",
      RST_STREAM: `${goAway(0, "PROTOCOL_ERROR")} "RST_STREAM on an idle stream"`,
      WINDOW_UPDATE: `${goAway(0, "PROTOCOL_ERROR")} "WINDOW_UPDATE on an idle stream"`,
      PRIORITY: "",
    },
  ],
  [
    "open",
    {
      DATA: "",
      "DATA with END_STREAM": "",
      "trailers with END_STREAM": "",
      RST_STREAM: "",
      WINDOW_UPDATE: "",
      PRIORITY: "",
    },
  ],
  [
    "half-closed (local)",
    {
      DATA: "",
      "DATA with END_STREAM": "",
      "trailers with END_STREAM": "",
      RST_STREAM: "",
      WINDOW_UPDATE: "",
      PRIORITY: "",
    },
  ],
  [
    "half-closed (remote)",
    {
      DATA: "RST_STREAM 1 STREAM_CLOSED",
      "DATA with END_STREAM": "RST_STREAM 1 STREAM_CLOSED",
      "trailers with END_STREAM": "RST_STREAM 1 STREAM_CLOSED",
      RST_STREAM: "",
      WINDOW_UPDATE: "",
      PRIORITY: "",
    },
  ],
  [
    "closed by both ends",
    {
      DATA: "RST_STREAM 1 STREAM_CLOSED",
      "DATA with END_STREAM": "RST_STREAM 1 STREAM_CLOSED",
      "trailers with END_STREAM": `${goAway(1, "STREAM_CLOSED")} "HEADERS on a closed stream"`,
      RST_STREAM: "",
      WINDOW_UPDATE: "",
      PRIORITY: "",
    },
  ],
  [
    "closed by our reset",
    {
      DATA: "",
      "DATA with END_STREAM": "",
      "trailers with END_STREAM": "",
      RST_STREAM: "",
      WINDOW_UPDATE: "",
      PRIORITY: "",
    },
  ],
  [
    "closed by the peer's reset",
    {
      DATA: "RST_STREAM 1 STREAM_CLOSED",
      "DATA with END_STREAM": "RST_STREAM 1 STREAM_CLOSED",
      "trailers with END_STREAM": `${goAway(1, "STREAM_CLOSED")} "HEADERS on a closed stream"`,
      RST_STREAM: "",
      WINDOW_UPDATE: "",
      PRIORITY: "",
    },
  ],
];

wireTests(
  SERVER_ANSWERS.flatMap(([setup, answers]) =>
    (Object.keys(FRAMES) as (keyof typeof FRAMES)[]).map((what) => ({
      section: "5.1",
      name: `server, ${setup}: ${what} -> ${answers[what] || "taken or ignored"}`,
      script: (peer: Peer) => {
        SERVER_SETUPS[setup](peer).said();
        peer.send(FRAMES[what]).want(...(answers[what] === "" ? [] : [answers[what]]));
      },
    })),
  ),
);

/** Brings stream 1 into a state, as a client. */
const CLIENT_SETUPS = {
  idle: (peer: Peer) => peer,
  "open, not answered": (peer: Peer) => peer.open().stream,
  "half-closed (local), not answered": (peer: Peer) => peer.open(true).stream,
  "half-closed (local)": (peer: Peer) => {
    peer.open(true);
    return peer.send(headers(1, RESPONSE));
  },
  "half-closed (remote)": (peer: Peer) => {
    peer.open();
    return peer.send(headers(1, RESPONSE, 1));
  },
  "closed by both ends": (peer: Peer) => {
    peer.open(true);
    return peer.send(headers(1, RESPONSE, 1));
  },
  "closed by our reset": (peer: Peer) => peer.open().stream.reset(8),
} as const;

const CLIENT_FRAMES = { HEADERS: headers(1, RESPONSE), ...FRAMES } as const;

type ClientAnswers = Readonly<Record<keyof typeof CLIENT_FRAMES, string>>;

const CLIENT_ANSWERS: readonly (readonly [keyof typeof CLIENT_SETUPS, ClientAnswers])[] = [
  [
    "idle",
    {
      HEADERS: `${goAway(0, "PROTOCOL_ERROR")} "HEADERS on a stream that nobody opened"`,
      DATA: `${goAway(0, "PROTOCOL_ERROR")} "DATA on an idle stream"`,
      "DATA with END_STREAM": `${goAway(0, "PROTOCOL_ERROR")} "DATA on an idle stream"`,
      "trailers with END_STREAM": `${goAway(0, "PROTOCOL_ERROR")} "HEADERS on a stream that nobody opened"`,
      RST_STREAM: `${goAway(0, "PROTOCOL_ERROR")} "RST_STREAM on an idle stream"`,
      WINDOW_UPDATE: `${goAway(0, "PROTOCOL_ERROR")} "WINDOW_UPDATE on an idle stream"`,
      PRIORITY: "",
    },
  ],
  ...(["open, not answered", "half-closed (local), not answered"] as const).map(
    (setup) =>
      [
        setup,
        {
          HEADERS: "",
          DATA: "RST_STREAM 1 PROTOCOL_ERROR",
          "DATA with END_STREAM": "RST_STREAM 1 PROTOCOL_ERROR",
          "trailers with END_STREAM": "RST_STREAM 1 PROTOCOL_ERROR",
          RST_STREAM: "",
          WINDOW_UPDATE: "",
          PRIORITY: "",
        },
      ] as const,
  ),
  [
    "half-closed (local)",
    {
      HEADERS: "RST_STREAM 1 PROTOCOL_ERROR",
      DATA: "",
      "DATA with END_STREAM": "",
      "trailers with END_STREAM": "",
      RST_STREAM: "",
      WINDOW_UPDATE: "",
      PRIORITY: "",
    },
  ],
  [
    "half-closed (remote)",
    {
      HEADERS: "RST_STREAM 1 STREAM_CLOSED",
      DATA: "RST_STREAM 1 STREAM_CLOSED",
      "DATA with END_STREAM": "RST_STREAM 1 STREAM_CLOSED",
      "trailers with END_STREAM": "RST_STREAM 1 STREAM_CLOSED",
      RST_STREAM: "",
      WINDOW_UPDATE: "",
      PRIORITY: "",
    },
  ],
  [
    "closed by both ends",
    {
      HEADERS: `${goAway(0, "STREAM_CLOSED")} "HEADERS on a closed stream"`,
      DATA: "RST_STREAM 1 STREAM_CLOSED",
      "DATA with END_STREAM": "RST_STREAM 1 STREAM_CLOSED",
      "trailers with END_STREAM": `${goAway(0, "STREAM_CLOSED")} "HEADERS on a closed stream"`,
      RST_STREAM: "",
      WINDOW_UPDATE: "",
      PRIORITY: "",
    },
  ],
  [
    "closed by our reset",
    {
      HEADERS: "",
      DATA: "",
      "DATA with END_STREAM": "",
      "trailers with END_STREAM": "",
      RST_STREAM: "",
      WINDOW_UPDATE: "",
      PRIORITY: "",
    },
  ],
];

wireTests(
  CLIENT_ANSWERS.flatMap(([setup, answers]) =>
    (Object.keys(CLIENT_FRAMES) as (keyof typeof CLIENT_FRAMES)[]).map((what) => ({
      section: "5.1",
      name: `client, ${setup}: ${what} -> ${answers[what] || "taken or ignored"}`,
      role: "client" as const,
      script: (peer: Peer) => {
        CLIENT_SETUPS[setup](peer);
        peer.said();
        peer.send(CLIENT_FRAMES[what]).want(...(answers[what] === "" ? [] : [answers[what]]));
      },
    })),
  ),
);

wireTests([
  {
    section: "5.1",
    name: "after our reset, what was on its way is ignored, and its credit comes back",
    config: { connectionWindowBytes: 65_535 },
    isUncut: true,
    script: (peer) => {
      peer.send(headers(1, REQUEST));
      peer.on(1).stream.reset(8);
      peer.want("RST_STREAM 1 CANCEL");
      for (let i = 0; i < 3; i++) peer.send(data(1, new Uint8Array(16_000)));
      peer
        .want("WINDOW_UPDATE 0 +48000")
        .heard(`request 1 ${REQUEST.map((p) => p.join("=")).join(" ")}`);
    },
  },
  {
    section: "5.1",
    name: "a stream that was reset inside its own event hears nothing more",
    hooks: {
      onData: ({ stream }, count) => {
        stream.reset(8);
        return count;
      },
    },
    script: (peer) =>
      peer
        .send(headers(1, REQUEST), data(1, "a"), data(1, "def", 1), frame(0x3, 0, 1, "00000008"))
        .want("RST_STREAM 1 CANCEL"),
  },
  {
    section: "5.1",
    name: "nothing is sent on a stream after its end, whatever its user tries",
    script: (peer) => {
      peer.send(headers(1, REQUEST));
      const { stream } = peer.on(1);
      stream.sendHeaders(RESPONSE_LIST, true);
      peer.want("HEADERS 1 :status=200 END_STREAM");
      stream.sendHeaders(RESPONSE_LIST, true);
      stream.sendInformational(headerList([[":status", "103"]]));
      stream.sendTrailers(headerList([["x", "1"]]));
      assert.equal(peer.write(1, 10, true), 10, "as if it had left");
      peer.want();
    },
  },
  {
    section: "5.1",
    name: "nothing follows an end that waits for the window",
    script: (peer) => {
      // The story: a deadline answered a call whose last bytes were still queued.
      peer.send(headers(1, REQUEST));
      const { stream } = peer.on(1);
      stream.sendHeaders(RESPONSE_LIST, false);
      peer.write(1, 70_000, true);
      peer.said();
      stream.sendTrailers(headerList([["x", "late"]]));
      assert.equal(peer.write(1, 10), 10, "as if it had left");
      peer.send(windowUpdate(0, 10_000), windowUpdate(1, 10_000));
      peer.want("DATA 1 <4465 bytes> END_STREAM");
    },
  },
  {
    section: "5.1",
    name: "only the first trailers count while they wait for the window",
    script: (peer) => {
      peer.send(headers(1, REQUEST));
      const { stream } = peer.on(1);
      stream.sendHeaders(RESPONSE_LIST, false);
      peer.write(1, 70_000);
      stream.sendTrailers(headerList([["x", "first"]]));
      stream.sendTrailers(headerList([["x", "second"]]));
      peer.said();
      peer.send(windowUpdate(0, 10_000), windowUpdate(1, 10_000));
      peer.want("DATA 1 <4465 bytes>", "HEADERS 1 x=first END_STREAM");
    },
  },
]);
