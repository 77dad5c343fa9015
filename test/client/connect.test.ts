/** The channel suite against `fairlead/connect`. */
import { createFairleadTransport } from "../../src/client/connect/public.ts";
import { connectDriver } from "./drivers/connect.ts";
import { channelSuite } from "./suite/suite.ts";

channelSuite(connectDriver(createFairleadTransport));
