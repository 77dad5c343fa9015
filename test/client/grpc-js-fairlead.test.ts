/** The channel suite against fairlead's channel under the stubs of grpc-js. */
import { fairleadChannel } from "../../src/client/grpc-js/public.ts";
import { grpcJsDriver } from "./drivers/grpc-js.ts";
import { channelSuite } from "./suite/suite.ts";

channelSuite(grpcJsDriver("fairlead under grpc-js", fairleadChannel()));
