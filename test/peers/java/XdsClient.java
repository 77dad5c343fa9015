import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Phaser;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * java -cp JARS XdsClient.java -target xds:///NAME ...: a stock grpc-java program that balances
 * itself. The same as ../go/xds-client: same flags, same lines, same end by SIGTERM.
 */
public final class XdsClient {
  private static final MethodDescriptor.Marshaller<byte[]> BYTES =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException e) {
            throw new IllegalStateException(e);
          }
        }
      };

  private final Channel channel;
  private final MethodDescriptor<byte[], byte[]> method;
  private final Metadata headers;
  private final long timeoutMs;
  private final Phaser calls = new Phaser(1);
  private boolean isReady;

  private XdsClient(Channel channel, Map<String, String> flags) {
    this.channel = channel;
    this.method =
        MethodDescriptor.newBuilder(BYTES, BYTES)
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(flags.getOrDefault("method", "/echo.Echo/Say").substring(1))
            .build();
    this.headers = new Metadata();
    for (String pair : flags.getOrDefault("headers", "").split(",")) {
      int at = pair.indexOf('=');
      if (at > 0) {
        headers.put(
            Metadata.Key.of(pair.substring(0, at), Metadata.ASCII_STRING_MARSHALLER),
            pair.substring(at + 1));
      }
    }
    this.timeoutMs = milliseconds(flags.getOrDefault("timeout", "5s"));
  }

  public static void main(String[] args) {
    Map<String, String> flags = new HashMap<>();
    for (int i = 0; i + 1 < args.length; i += 2) {
      flags.put(args[i].replaceAll("^-+", ""), args[i + 1]);
    }
    ManagedChannel channel =
        Grpc.newChannelBuilder(flags.get("target"), InsecureChannelCredentials.create()).build();
    XdsClient client = new XdsClient(channel, flags);
    ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
    long intervalMs = milliseconds(flags.getOrDefault("interval", "10ms"));
    clock.scheduleAtFixedRate(client::call, 0, intervalMs, TimeUnit.MILLISECONDS);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  clock.shutdown();
                  client.calls.arriveAndAwaitAdvance();
                  channel.shutdownNow();
                }));
  }

  /** "10ms" or "1s", as Go's flags take them. */
  private static long milliseconds(String text) {
    if (text.endsWith("ms")) {
      return Long.parseLong(text.substring(0, text.length() - 2));
    }
    return Long.parseLong(text.substring(0, text.length() - 1)) * 1000;
  }

  private void call() {
    calls.register();
    long begin = System.nanoTime();
    CallOptions options =
        CallOptions.DEFAULT.withDeadlineAfter(timeoutMs, TimeUnit.MILLISECONDS);
    ClientCall<byte[], byte[]> call = channel.newCall(method, options);
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onClose(Status status, Metadata trailers) {
            Object peer = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
            print(status, peer == null ? "" : peer.toString().replaceFirst("^.*/", ""), begin);
            calls.arriveAndDeregister();
          }
        },
        copy(headers));
    call.request(1);
    call.sendMessage("hello".getBytes());
    call.halfClose();
  }

  /** A call keeps the metadata that it is given. */
  private static Metadata copy(Metadata from) {
    Metadata to = new Metadata();
    to.merge(from);
    return to;
  }

  private synchronized void print(Status status, String peer, long begin) {
    if (status.isOk() && !isReady) {
      isReady = true;
      System.out.println("ready");
    }
    String message = status.getDescription() == null ? "" : status.getDescription();
    System.out.printf(
        "{\"at\":%d,\"ms\":%d,\"peer\":\"%s\",\"code\":%d,\"message\":\"%s\"}%n",
        System.currentTimeMillis(),
        (System.nanoTime() - begin) / 1_000_000,
        peer,
        status.getCode().value(),
        message.replaceAll("[\\\\\"\\p{Cntrl}]", " "));
  }
}
