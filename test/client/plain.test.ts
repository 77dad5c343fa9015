/** The channel suite against fairlead's plain API. */
import { createChannel } from "../../src/client/plain/public.ts";
import { plainDriver } from "./drivers/plain.ts";
import { channelSuite } from "./suite/suite.ts";

channelSuite(plainDriver(createChannel));
