/** The suite against the lab: what it says has to be what clusters say. */
import { startLabCluster } from "./lab.ts";
import { kubernetesSuite } from "./suite.ts";

kubernetesSuite("lab", startLabCluster);
