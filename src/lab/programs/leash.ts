/**
 * Ends this process when the lab that started it is gone, however the lab went (even SIGKILL): the
 * IPC channel to the lab closes, and that is noticed here.
 *
 * Our own programs import it; into `fairlead proxy` it comes by `--import`, so that the very
 * command a user runs is measured, unchanged. A process without an IPC channel is left alone.
 */
const channel = process.channel;
if (channel) {
  process.on("disconnect", () => process.exit(0));
  // A listener keeps the channel, and with it the process, alive; the program decides that itself.
  channel.unref();
  if (!process.connected) process.exit(0);
}
