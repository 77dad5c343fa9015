/**
 * channelz (gRFC A14) of a proxy: what grpcdebug and its like ask of a running process.
 *
 * A cluster is a channel, an endpoint a subchannel, a connection a socket; the listeners together
 * are one server, whose sockets are the client connections. Promises: asking changes nothing, ids
 * stay with what they name for as long as it exists, and answers have at most as many entries as
 * the bounds say. Must never: relay, or know figures that `/clusters` and `/connections` do not.
 */
export { channelzMethods } from "./methods.ts";
