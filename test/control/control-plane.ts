/** `fairlead control` of this checkout as a process, which a test may kill and start again. */
import { join } from "node:path";
import { rootDir } from "../peers/paths.ts";
import { freePort, type RunningProcess, startProcess, waitForPort } from "../peers/processes.ts";

const STANDIN = join(rootDir, "test/control/standin.ts");

/** See the head of this file. */
export class ControlPlane {
  /** "ip:port" of its discovery service: the same each time it is started. */
  readonly address: string;
  readonly #objects: string;
  readonly #port: number;
  #process: RunningProcess | null = null;

  private constructor(objects: string, port: number) {
    this.#objects = objects;
    this.#port = port;
    this.address = `127.0.0.1:${port}`;
  }

  /** @param objects directory of the objects. */
  static async start(objects: string): Promise<ControlPlane> {
    const plane = new ControlPlane(objects, await freePort());
    await plane.start();
    return plane;
  }

  async start(): Promise<void> {
    const args = [STANDIN, "--objects", this.#objects, "--listen", this.address];
    this.#process = startProcess(process.execPath, args);
    await waitForPort(this.#port);
  }

  get output(): string {
    return this.#process?.output ?? "";
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.#process?.kill();
    await this.#process?.exited;
    this.#process = null;
  }
}
