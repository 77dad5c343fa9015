/**
 * The servers that the clients call: grpc-go echo servers, a process for each.
 */
import { Client, credentials } from "@grpc/grpc-js";
import { freePorts, type RunningProcess, startProcess } from "../../test/peers/processes.ts";
import { requireProgram } from "../programs.ts";

const same = (bytes: Buffer) => bytes;
const NOTHING = Buffer.alloc(0);

/** Running servers. */
export class Servers {
  /** "IP:PORT" of each. */
  readonly addresses: readonly string[];
  readonly #processes: readonly RunningProcess[];
  readonly #clients: readonly Client[];

  private constructor(addresses: readonly string[], processes: readonly RunningProcess[]) {
    this.addresses = addresses;
    this.#processes = processes;
    this.#clients = addresses.map((each) => new Client(each, credentials.createInsecure()));
  }

  /** Starts so many; `streamsMax` is each one's MAX_CONCURRENT_STREAMS, null for no limit. */
  static async start(count: number, streamsMax: number | null): Promise<Servers> {
    const path = requireProgram("echo-server");
    const addresses = (await freePorts(count)).map((port) => `127.0.0.1:${port}`);
    const limit = streamsMax === null ? [] : ["-max-streams", String(streamsMax)];
    const processes = addresses.map((address) =>
      startProcess(path, ["-listen", address, ...limit], { name: "echo-server" }),
    );
    const servers = new Servers(addresses, processes);
    try {
      await Promise.all(processes.map((each) => each.waitFor(/^ready/m)));
    } catch (error) {
      await servers.stop();
      throw error;
    }
    return servers;
  }

  /** How many calls each has had since it began. */
  callCounts(): Promise<readonly number[]> {
    return Promise.all(this.#clients.map(callCount));
  }

  /** Ends them. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all(this.#processes.map((each) => each.stop(500)));
  }
}

function callCount(client: Client): Promise<number> {
  return new Promise((done, failed) => {
    client.makeUnaryRequest("/echo.Echo/Stats", same, same, NOTHING, (error, answer) => {
      if (error !== null) failed(error);
      else done((JSON.parse(String(answer)) as { calls: number }).calls);
    });
  });
}
