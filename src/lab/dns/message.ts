/**
 * DNS messages: a query's bytes in, the answer's bytes out, cut to what the client can take. RFC
 * 1035 §4, RFC 6891 (EDNS0).
 *
 * Pure: `server.ts` has the sockets. The coding is the library's, which does not compress names, so
 * that fewer records fit than in an answer of CoreDNS.
 */
import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  type DecodedPacket,
  decode,
  encode,
  encodingLength,
  type Packet,
  type Question,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from "dns-packet";
import { RCODE, type ZoneAnswer } from "./answer.ts";

/** What a client takes over UDP unless it says otherwise (RFC 1035 §2.3.4). */
export const UDP_BYTES_DEFAULT = 512;
/** What we say that we take: it fits an Ethernet frame (DNS flag day 2020). */
const UDP_BYTES_OURS = 1232;
/** The length prefix has 16 bits. */
export const TCP_BYTES_MAX = 65_535;

/** A query that can be answered. */
export interface Query {
  readonly id: number;
  readonly flags: number;
  readonly question: Question;
  /** What the client takes over UDP; null without EDNS0. */
  readonly udpBytes: number | null;
}

/** A query, the whole answer that says why it is none, or null for bytes that get no answer. */
export function readQuery(bytes: Buffer): Query | Buffer | null {
  if (bytes.length < 12) return null;
  let packet: DecodedPacket;
  try {
    packet = decode(bytes);
  } catch {
    return refusal(bytes.readUInt16BE(0), RCODE.FORMERR);
  }
  const { id = 0, flags = 0, questions = [], additionals = [] } = packet;
  if (packet.type !== "query") return null;
  if ((flags >> 11) % 16 !== 0) return refusal(id, RCODE.NOTIMP); // opcode
  if (questions.length !== 1) return refusal(id, RCODE.FORMERR);
  const opt = additionals.find((each) => each.type === "OPT");
  const udpBytes = opt === undefined ? null : Math.max(opt.udpPayloadSize, UDP_BYTES_DEFAULT);
  return { id, flags, question: questions[0], udpBytes };
}

/**
 * The answer's bytes, at most `bytesMax` of them: what does not fit is left out, from the end, and
 * the answer is marked as truncated.
 */
export function writeAnswer(query: Query, answer: ZoneAnswer, bytesMax: number): Buffer {
  const opt: Answer[] = query.udpBytes === null ? [] : [newOpt()];
  const packetOf = (count: number): Packet => {
    const [answers, authorities, additionals] = take(answer, count);
    const isWhole = count === countOf(answer);
    return {
      type: "response",
      id: query.id,
      flags:
        AUTHORITATIVE_ANSWER |
        (query.flags & RECURSION_DESIRED) |
        (isWhole ? 0 : TRUNCATED_RESPONSE) |
        answer.rcode,
      questions: [query.question],
      answers,
      authorities,
      additionals: [...additionals, ...opt],
    };
  };
  const fits = (count: number) => encodingLength(packetOf(count)) <= bytesMax;
  const all = countOf(answer);
  if (fits(all)) return encode(packetOf(all));
  let least = 0;
  let most = all - 1;
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (fits(middle)) least = middle;
    else most = middle - 1;
  }
  return encode(packetOf(least));
}

/** An answer without records. */
export function emptyAnswer(query: Query, rcode: number, isTruncated = false): Buffer {
  return encode({
    type: "response",
    id: query.id,
    flags: (query.flags & RECURSION_DESIRED) | (isTruncated ? TRUNCATED_RESPONSE : 0) | rcode,
    questions: [query.question],
  });
}

function refusal(id: number, rcode: number): Buffer {
  return encode({ type: "response", id, flags: rcode });
}

function newOpt(): Answer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: UDP_BYTES_OURS,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  } as unknown as Answer;
}

function countOf({ answers, authorities, additionals }: ZoneAnswer): number {
  return answers.length + authorities.length + additionals.length;
}

/** The first `count` records, section by section. */
function take(answer: ZoneAnswer, count: number): readonly [Answer[], Answer[], Answer[]] {
  const { answers, authorities, additionals } = answer;
  const afterAnswers = Math.max(0, count - answers.length);
  const afterAuthorities = Math.max(0, afterAnswers - authorities.length);
  return [
    answers.slice(0, count),
    authorities.slice(0, afterAnswers),
    additionals.slice(0, afterAuthorities),
  ];
}
