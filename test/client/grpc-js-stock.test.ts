/** The channel suite against stock grpc-js: what the suite demands is what the reference does. */
import { grpcJsDriver } from "./drivers/grpc-js.ts";
import { channelSuite } from "./suite/suite.ts";

channelSuite(grpcJsDriver("grpc-js"));
