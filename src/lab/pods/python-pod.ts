/**
 * A lab pod in Python, as its own server of gRPC (`grpcio`, asyncio) serves it: the text of the
 * program, which the lab gives to a Python that it finds.
 *
 *     python3 -c PROGRAM NAME
 *
 * It does what `programs/pod.ts` does for one pod (the same messages, a line of JSON each, on stdin
 * and stdout; the same answers, pace, load report, health, HTTP/1.1), but for reflection, which
 * needs a package of its own there. At the end of stdin it ends.
 */

/** The program. */
export const PYTHON_POD = String.raw`
import asyncio, errno, json, os, signal, socket, struct, sys, threading, time
import grpc
name = sys.argv[1]
settings = json.loads(os.environ.get("FAIRLEAD_LAB_POD") or "{}")
call_s = settings.get("callMs", 2) / 1000
conduct = {"slowFactor": 1, "isServing": True, "isSick": False}
SERVING, NOT_SERVING, SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x02", b"\x08\x03"
DRAIN_S = 1.5
FULL_CALLS = 10

def tell(**message):
    print(json.dumps(message), flush=True)

def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at

def text_of(data):
    at, text = 0, ""
    while at < len(data):
        tag, at = varint(data, at)
        if tag % 8 == 0:
            at = varint(data, at)[1]
            continue
        size, at = varint(data, at) if tag % 8 == 2 else ({1: 8, 5: 4}[tag % 8], at)
        if tag == 10:
            text = data[at : at + size].decode()
        at += size
    return text

def message_of(text):
    data, size, head = text.encode(), len(text.encode()), b"\x0a"
    while size > 0x7F:
        head, size = head + bytes([size & 0x7F | 0x80]), size >> 7
    return head + bytes([size]) + data if data else b""

class Load:
    """The ORCA report of a whole second, as load-report.ts has it."""
    active, ended, busy, report = 0, 0, 0.0, None

    def __init__(self):
        self.counted = self.since = time.monotonic()

    def count(self, active, ended):
        now = time.monotonic()
        self.busy += self.active * (now - self.counted)
        self.counted, self.active, self.ended = now, self.active + active, self.ended + ended
        passed = now - self.since
        if passed >= 1:
            rps, use = self.ended / passed, self.busy / passed / FULL_CALLS
            self.report = b"\x31" + struct.pack("<d", rps) + b"\x49" + struct.pack("<d", use)
            self.since, self.busy, self.ended = now, 0.0, 0

load = Load()

async def work():
    load.count(1, 0)
    await asyncio.sleep(call_s * conduct["slowFactor"])
    load.count(-1, 1)

def unary(answer, names_host=False):
    async def call(request, context):
        await work()
        if conduct["isSick"]:
            await context.abort(grpc.StatusCode.UNAVAILABLE, name + " is sick")
        if names_host:
            await context.send_initial_metadata((("hostname", name),))
        if load.report:
            context.set_trailing_metadata((("endpoint-load-metrics-bin", load.report),))
        # Bytes: of a text, grpcio gives its serializer the UTF-8.
        return message_of(answer(request))
    return grpc.unary_unary_rpc_method_handler(call, text_of)

def status():
    return SERVING if conduct["isServing"] else NOT_SERVING

watches = set()

async def check(request, context):
    if request not in ("", "fairlead.lab.Echo"):
        await context.abort(grpc.StatusCode.NOT_FOUND, "no service " + json.dumps(request) + " here")
    return status()

async def watch(request, context):
    if request not in ("", "fairlead.lab.Echo"):
        yield SERVICE_UNKNOWN
        await asyncio.Event().wait()
    news = asyncio.Queue()
    watches.add(news)
    try:
        told = status()
        yield told
        while told is not None:
            told = await news.get()
            if told is not None:
                yield told
    finally:
        watches.discard(news)

def behave(now, told=None):
    before = status()
    conduct.update(now)
    if status() != before:
        for news in watches:
            news.put_nowait(status())

SERVICES = {
    "fairlead.lab.Echo": {"Say": unary(lambda request: name)},
    "api.Echo": {"Echo": unary(lambda request: request, True)},
    "api.Reverse": {"Reverse": unary(lambda request: request[::-1], True)},
    "pet.service.v1.PetService": {"Ping": unary(lambda request: request + ", " + name)},
    "grpc.health.v1.Health": {
        "Check": grpc.unary_unary_rpc_method_handler(check, text_of),
        "Watch": grpc.unary_stream_rpc_method_handler(watch, text_of),
    },
}

draining = False
idle = set()

async def http1(reader, writer):
    """GET / is answered with the name: one request at a time on a connection."""
    try:
        while True:
            idle.add(writer)
            await reader.readuntil(b"\r\n\r\n")
            idle.discard(writer)
            await work()
            code, text = ("503 Service Unavailable", name + " is sick") if conduct["isSick"] else ("200 OK", name)
            close = "connection: close\r\n" if draining else ""
            head = "HTTP/1.1 %s\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n%s\r\n"
            writer.write((head % (code, len(text) + 1, close) + text + "\n").encode())
            await writer.drain()
            if draining:
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        idle.discard(writer)
        writer.close()

async def start(pod, host, port):
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
        options = [("grpc.so_reuseport", 0)]
        if "maxConcurrentStreams" in settings:
            options.append(("grpc.max_concurrent_streams", settings["maxConcurrentStreams"]))
        server = grpc.aio.server(options=options)
        for service, methods in SERVICES.items():
            handler = grpc.method_handlers_generic_handler(service, methods)
            server.add_generic_rpc_handlers((handler,))
        bound = server.add_insecure_port("%s:%d" % (host, port))
        await server.start()
        # Its place is beside gRPC's, as in http1-server.ts; another one when somebody has that.
        try:
            web = await asyncio.start_server(http1, host, port + 10 if port else 0)
        except OSError:
            web = await asyncio.start_server(http1, host, 0)
        places = {"address": "%s:%d" % (host, bound)}
        places["http1Address"] = "%s:%d" % (host, web.sockets[0].getsockname()[1])
        tell(type="pod-serves", pod=pod, **places)
        return server, web
    except (OSError, RuntimeError) as error:
        code = errno.errorcode.get(getattr(error, "errno", None) or 0, "")
        tell(type="pod-failed", pod=pod, code=code, reason=str(error))
        return None, None

async def main():
    global draining
    loop, orders, ended = asyncio.get_running_loop(), asyncio.Queue(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, lambda: orders.put_nowait(None))
    def listen():
        for line in sys.stdin:
            loop.call_soon_threadsafe(orders.put_nowait, json.loads(line))
        os._exit(0)
    threading.Thread(target=listen, daemon=True).start()
    server = web = None
    while (order := await orders.get()) is not None:
        if order["type"] == "pod-start":
            server, web = await start(order["pod"], order["host"], order["port"])
        elif order["type"] == "behave":
            behave({key: order[key] for key in conduct})
    draining = True
    behave({"isServing": False})
    for news in watches:
        news.put_nowait(None)
    if web:
        web.close()
        for writer in list(idle):
            writer.close()
    if server:
        await server.stop(DRAIN_S)
    sys.stdout.flush()
    os._exit(0)

asyncio.run(main())
`;
