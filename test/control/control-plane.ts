/** `fairlead control` of this checkout as a process, which a test may kill and start again. */
import { join } from "node:path";
import { rootDir } from "../peers/paths.ts";
import { freePort, type RunningProcess, startProcess } from "../peers/processes.ts";
import type { Starter } from "./pods.ts";

const CLI = join(rootDir, "src/cli/main.ts");

/** See the head of this file. */
export class ControlPlane {
  /** "ip:port" of its discovery service: the same each time it is started. */
  readonly address: string;
  readonly #objects: string;
  readonly #start: Starter;
  readonly #args: readonly string[];
  #process: RunningProcess | null = null;

  private constructor(
    objects: string,
    address: string,
    start: Starter,
    args: readonly string[] = [],
  ) {
    this.#objects = objects;
    this.address = address;
    this.#start = start;
    this.#args = args;
  }

  /** @param objects directory of the objects. */
  static async start(objects: string): Promise<ControlPlane> {
    return ControlPlane.startIn(objects, `127.0.0.1:${await freePort()}`, startProcess);
  }

  /** The same with further flags. */
  static async startWith(objects: string, args: readonly string[]): Promise<ControlPlane> {
    const address = `127.0.0.1:${await freePort()}`;
    const plane = new ControlPlane(objects, address, startProcess, args);
    await plane.start();
    return plane;
  }

  /** The same at an address of one's own, in a network namespace. */
  static async startIn(objects: string, address: string, start: Starter): Promise<ControlPlane> {
    const plane = new ControlPlane(objects, address, start);
    await plane.start();
    return plane;
  }

  async start(): Promise<void> {
    const args = [CLI, "control", "--objects", this.#objects, "--listen", this.address];
    args.push(...this.#args);
    this.#process = this.#start(process.execPath, args);
    await this.#process.waitFor(/listening/);
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
