/**
 * The lab's DNS server: UDP and TCP on one port of loopback, answering from a `DnsZone`.
 *
 * It keeps nothing but its sockets: every answer is what the zone says at that moment.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Question } from "dns-packet";
import type { Clock, Timer } from "../../base/index.ts";
import { formatAddress } from "../../transport/index.ts";
import { answerOf, RCODE } from "./answer.ts";
import { type DnsFault, faultFor } from "./fault.ts";
import {
  emptyAnswer,
  type Query,
  readQuery,
  TCP_BYTES_MAX,
  UDP_BYTES_DEFAULT,
  writeAnswer,
} from "./message.ts";
import type { DnsZone } from "./zone.ts";

/** What a `LabDns` needs. */
export interface LabDnsDeps {
  readonly clock: Clock;
  readonly zone: DnsZone;
  /** Called for every question, faulty or not. */
  readonly onQuestion?: (question: Question, transport: "udp" | "tcp") => void;
}

/** A port that is free for UDP may be taken for TCP. */
const BIND_ATTEMPTS = 20;

/** See the head of this file. */
export class LabDns {
  /** What is wrong with it, from now on. The first that concerns a question counts. */
  faults: readonly DnsFault[] = [];
  readonly #deps: LabDnsDeps;
  #udp: UdpSocket | null = null;
  #tcp: Server | null = null;
  readonly #connections = new Set<Socket>();
  readonly #delays = new Set<Timer>();

  constructor(deps: LabDnsDeps) {
    this.#deps = deps;
  }

  /**
   * Begins to answer.
   *
   * @param host an IP address of loopback.
   * @param port 0 for any that is free.
   * @returns "ip:port".
   */
  async listen(host = "127.0.0.1", port = 0): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      const udp = createSocket(host.includes(":") ? "udp6" : "udp4");
      const tcp = createServer((socket) => this.#onConnection(socket));
      try {
        udp.bind(port, host);
        await once(udp, "listening");
        tcp.listen(udp.address().port, host);
        await once(tcp, "listening");
      } catch (error) {
        udp.close();
        tcp.close();
        if (port !== 0 || attempt === BIND_ATTEMPTS) throw error;
        continue;
      }
      udp.on("message", (bytes, from) => this.#onDatagram(bytes, from));
      udp.on("error", () => {}); // of a datagram that could not be sent: the client asks again
      this.#udp = udp;
      this.#tcp = tcp;
      const { address, port: bound } = udp.address();
      return formatAddress(address, bound);
    }
  }

  /** Stops at once; answers that were delayed are not given. */
  async close(): Promise<void> {
    for (const delay of this.#delays) delay.cancel();
    for (const socket of this.#connections) socket.destroy();
    const tcp = this.#tcp;
    const udp = this.#udp;
    this.#tcp = null;
    this.#udp = null;
    udp?.close();
    if (tcp !== null) await new Promise((resolve) => tcp.close(resolve));
  }

  #onDatagram(bytes: Buffer, { port, address }: RemoteInfo): void {
    this.#answer(bytes, "udp", (answer) => this.#udp?.send(answer, port, address));
  }

  /** Messages with two bytes of length before each, in any pieces (RFC 1035 §4.2.2). */
  #onConnection(socket: Socket): void {
    this.#connections.add(socket);
    socket.on("close", () => this.#connections.delete(socket));
    socket.on("error", () => socket.destroy());
    let held: Buffer = Buffer.alloc(0);
    socket.on("data", (bytes) => {
      held = Buffer.concat([held, bytes]);
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
        const end = 2 + held.readUInt16BE(0);
        this.#answer(held.subarray(2, end), "tcp", (answer) => {
          const length = Buffer.alloc(2);
          length.writeUInt16BE(answer.length);
          if (!socket.destroyed) socket.write(Buffer.concat([length, answer]));
        });
        held = held.subarray(end);
      }
    });
  }

  #answer(bytes: Buffer, transport: "udp" | "tcp", send: (answer: Buffer) => void): void {
    const query = readQuery(bytes);
    if (query === null) return;
    if (Buffer.isBuffer(query)) {
      send(query);
      return;
    }
    this.#deps.onQuestion?.(query.question, transport);
    const fault = faultFor(this.faults, query.question);
    if (fault?.kind === "timeout") return;
    const give = () => send(this.#bytesOf(query, transport, fault));
    if (fault?.kind !== "slow") {
      give();
      return;
    }
    const delay = this.#deps.clock.setTimer(fault.delayMs ?? 0, () => {
      this.#delays.delete(delay);
      give();
    });
    this.#delays.add(delay);
  }

  #bytesOf(query: Query, transport: "udp" | "tcp", fault: DnsFault | null): Buffer {
    if (fault?.kind === "servfail") return emptyAnswer(query, RCODE.SERVFAIL);
    if (fault?.kind === "refused") return emptyAnswer(query, RCODE.REFUSED);
    if (fault?.kind === "truncate" && transport === "udp") {
      return emptyAnswer(query, RCODE.NOERROR, true);
    }
    const bytesMax = transport === "tcp" ? TCP_BYTES_MAX : (query.udpBytes ?? UDP_BYTES_DEFAULT);
    return writeAnswer(query, answerOf(query.question, this.#deps.zone), bytesMax);
  }
}
