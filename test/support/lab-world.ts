/** The objects of the lab's API server without the server: for tests on a virtual clock. */
import { type Clock, seededRng } from "../../src/base/index.ts";
import { installGatewayApi } from "../../src/lab/cluster/index.ts";
import { Objects } from "../../src/lab/cluster/objects.ts";
import { Store } from "../../src/lab/cluster/store.ts";
import { LabSource } from "./lab-source.ts";
import { LabWriter } from "./lab-writer.ts";

/** Objects with the rules of the server, and ways to them. */
export interface LabWorld {
  readonly objects: Objects;
  /** One that is told what happens. */
  newSource(): LabSource;
  newWriter(): LabWriter;
}

/** A cluster with these namespaces, and the kinds of the Gateway API. */
export function labWorld(clock: Clock, namespaces: readonly string[] = ["default"]): LabWorld {
  const store = new Store();
  const objects = new Objects({ store, clock, rng: seededRng(7) });
  for (const name of namespaces) objects.create("Namespace", "", { metadata: { name } });
  installGatewayApi(objects);
  return {
    objects,
    newSource: () => new LabSource(store, clock),
    newWriter: () => new LabWriter(objects, clock),
  };
}
