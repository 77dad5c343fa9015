/**
 * What scenarios of gRPC's doc/xds-test-descriptions.md work with: a Service of its own for each,
 * its pods, and stock clients that are told of it by one `fairlead control`.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../kubernetes/wait.ts";
import { requirePeer } from "../peers/find.ts";
import { freePort, startProcess } from "../peers/processes.ts";
import { ControlPlane } from "./control-plane.ts";
import { ObjectsDirectory } from "./objects-directory.ts";
import { Pods } from "./pods.ts";
import { LANGUAGES, type Language, peersOf, XdsClient } from "./xds-client.ts";

/** What a scenario has to work with. */
export interface Stage {
  readonly language: Language;
  readonly objects: ObjectsDirectory;
  readonly pods: Pods;
  readonly service: string;
  /** Address of a pod, by its number. */
  ip(pod: number): string;
  /** Its name, as calls tell it. */
  peer(pod: number): string;
  /** Pods of a further Service, which is named SERVICE-NAME. */
  other(name: string): Promise<Pods>;
  /** A client that is ready, which ends with the scenario. */
  client(...args: readonly string[]): Promise<XdsClient>;
  /** One that may never be: its calls fail. */
  caller(...args: readonly string[]): XdsClient;
}

export interface Scenario {
  readonly name: string;
  run(stage: Stage): Promise<void>;
}

/** Waits until calls go to these pods and to no others. */
export async function goesTo(client: XdsClient, peers: readonly string[]): Promise<void> {
  let last: string[] = [];
  try {
    await eventually("other peers", async () => {
      last = [...peersOf(await client.next(40)).keys()].sort();
      return last.join() === [...peers].sort().join();
    });
  } catch {
    assert.deepEqual(last, [...peers].sort());
  }
}

/** What a scenario is given, and what ends with it. */
async function prepare(
  language: Language,
  programs: { readonly command: readonly string[]; readonly echo: string; readonly broken: string },
  { objects, control }: { readonly objects: ObjectsDirectory; readonly control: string },
  { service, network }: { readonly service: string; readonly network: (pod: number) => string },
): Promise<{ readonly stage: Stage; end(): Promise<void> }> {
  const { command, echo, broken } = programs;
  const ends: (() => Promise<unknown>)[] = [];
  const pods = new Pods(echo, objects, service, await freePort(), startProcess, broken);
  const caller = (...args: readonly string[]): XdsClient => {
    const target = `xds:///${service}.prod:50051`;
    const options = { args: ["-interval", "5ms", ...args], node: { locality: { zone: "a" } } };
    const made = new XdsClient(command, objects.path, control, target, options);
    ends.push(() => made.stop());
    return made;
  };
  const stage: Stage = {
    ...{ language, objects, pods, service, caller },
    ip: network,
    peer: (pod) => `${network(pod)}:${pods.port}`,
    other: async (name) => {
      objects.service(`${service}-${name}`);
      const more = new Pods(echo, objects, `${service}-${name}`, await freePort());
      ends.push(() => more.close());
      return more;
    },
    client: async (...args) => {
      const made = caller(...args);
      await made.ready();
      return made;
    },
  };
  const end = async (): Promise<void> => {
    await Promise.all(ends.map((each) => each()));
    await pods.close();
  };
  return { stage, end };
}

/**
 * Runs all scenarios with grpc-go and with C-core, which differ most.
 * @param network third byte of the pods' addresses, with the next one: of nobody else.
 */
export function runScenarios(scenarios: readonly Scenario[], network: number): void {
  const objects = new ObjectsDirectory();
  let plane: ControlPlane | null = null;
  before(async () => {
    plane = await ControlPlane.start(objects.path);
  });
  after(async () => {
    await plane?.kill();
    objects.close();
  });
  for (const [i, language] of LANGUAGES.slice(0, 2).entries()) {
    test(`${language.name} goes through gRPC's scenarios`, { concurrency: 3 }, async (t) => {
      const echo = requirePeer(t, "echo-server");
      const command = language.command(t);
      const broken = requirePeer(t, "health-server");
      if (echo === null || command === null || broken === null) return;
      const tests = scenarios.map(({ name, run }, j) =>
        t.test(name, async () => {
          const place = {
            service: `s${i}-${j}`,
            network: (pod: number) => `127.0.${network + i}.${10 * j + pod}`,
          };
          const control = { objects, control: plane!.address };
          const programs = { command, echo, broken };
          const { stage, end } = await prepare(language, programs, control, place);
          try {
            await run(stage);
          } finally {
            await end();
          }
        }),
      );
      await Promise.all(tests);
    });
  }
}
