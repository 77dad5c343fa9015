/**
 * `fairlead lab --netns` from inside its network namespace: makes the network there, has the
 * process outside listen for the page, and ends when that process does. See `netns.ts`.
 */
import { execFile } from "node:child_process";
import type net from "node:net";
import { assert } from "../../base/index.ts";
import { LabError } from "../error.ts";
import type { ListenMessage, OutsideMessage } from "../messages.ts";
import { ISOLATED_RANGES } from "../pods/pod-network.ts";
import { NETNS_VARIABLE, netnsOf } from "./netns.ts";

/** Has a server listen. Rejects with the system's error. */
type Listen = (server: net.Server, host: string, port: number) => Promise<void>;

/** What this process has of the one outside. */
export interface InsideNetns {
  /** Aborted when the user wants an end. */
  readonly stop: AbortSignal;
  /** Listens in the network outside. */
  readonly listen: Listen;
}

/** Set once this process is in a network of the lab's own. */
let isInside = false;

/**
 * What there is inside; null in a process that is not. Throws `LabError` when the network cannot be
 * made.
 */
export async function enterNetns(): Promise<InsideNetns | null> {
  const outside = process.env[NETNS_VARIABLE];
  if (outside === undefined || process.send === undefined) return null;
  // Of no children.
  delete process.env[NETNS_VARIABLE];
  assert(netnsOf("self") !== outside, "this is the network namespace of the host");
  isInside = true;
  const line = new OutsideLine();
  await runIp("link", "set", "lo", "up");
  for (const range of ISOLATED_RANGES) await runIp("route", "add", "local", range, "dev", "lo");
  return line;
}

/** Runs ip(8) in our network. Throws `LabError` with what it said. */
export function runIp(...args: string[]): Promise<void> {
  return runTool("ip", args);
}

/**
 * Gives nft(8) a script, which is carried out as a whole or not at all. Only in a network of the
 * lab's own: in that of the host the lab makes no rules. Throws `LabError` with what nft said.
 */
export function runNft(script: string): Promise<void> {
  assert(isInside, "rules are made in a network namespace of the lab's own");
  return runTool("nft", ["-f", "-"], script);
}

/** Runs a program to its end, with `input` to read. Throws `LabError` with what it said. */
export function runTool(file: string, args: readonly string[], input = ""): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, (error, _stdout, stderr) => {
      if (error === null) return resolve();
      const said = stderr.trim() || error.message;
      reject(new LabError(`${file} ${args.join(" ")}: ${said.split("\n")[0]}`));
    });
    // It may end without having read all of it, and says why.
    child.stdin?.on("error", () => {}).end(input);
  });
}

/** The line to the process outside. It keeps this one alive only while an answer is due. */
class OutsideLine implements InsideNetns {
  readonly #stop = new AbortController();
  #onAnswer: (answer: OutsideMessage, socket: net.Server | undefined) => void = () => {};

  constructor() {
    process.on("message", (message: OutsideMessage, socket) => {
      if (message.type === "stop") this.#stop.abort();
      else this.#onAnswer(message, socket as net.Server | undefined);
    });
    // However it went: children and namespace go with us.
    process.on("disconnect", () => process.exit(1));
    process.channel!.unref();
  }

  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  readonly listen: Listen = async (server, host, port) => {
    const socket = await this.#ask({ type: "listen", host, port });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(socket, resolve);
    });
  };

  #ask(question: ListenMessage): Promise<net.Server> {
    process.channel!.ref();
    return new Promise<net.Server>((resolve, reject) => {
      this.#onAnswer = (answer, socket) => {
        if (answer.type === "listening") resolve(socket!);
        else if (answer.type === "not-listening") {
          reject(Object.assign(new Error(answer.reason), { code: answer.code }));
        }
      };
      process.send!(question);
    }).finally(() => process.channel?.unref());
  }
}
