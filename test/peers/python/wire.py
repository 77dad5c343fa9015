"""What the storm client shares with the echo server (../go/wire).

The frame inside a message, and the request metadata that tells the server what to do.
"""

import random
import struct
import zlib
from dataclasses import dataclass

# Call id (8), sequence (4), length of the body (4), CRC-32 of those and the body (4), big-endian.
_HEAD = struct.Struct(">QII")
_SUM = struct.Struct(">I")
FRAME_HEAD_BYTES = 20
BODY_BYTES_MAX = 4 << 20
MESSAGE_BYTES_MAX = BODY_BYTES_MAX + (64 << 10)

_NOISE = random.Random(1).randbytes(2 * BODY_BYTES_MAX)


class Crossed(Exception):
    """A message of another call."""


class Lost(Exception):
    """An answer that is incomplete or damaged."""


@dataclass
class Orders:
    """What a call asks of the server; the defaults ask for nothing."""

    call_id: int
    sleep_ms: int = 0
    count: int = 1
    size: int = -1
    end_after: int = -1
    end_status: int = 0

    def metadata(self):
        """The request metadata of these orders."""
        pairs = [("x-call-id", self.call_id)]
        if self.sleep_ms > 0:
            pairs.append(("x-sleep-ms", self.sleep_ms))
        if self.count != 1:
            pairs.append(("x-count", self.count))
        if self.size >= 0:
            pairs.append(("x-size", self.size))
        if self.end_after >= 0:
            pairs.append(("x-end-after", self.end_after))
        if self.end_status > 0:
            pairs.append(("x-end-status", self.end_status))
        return [(key, str(value)) for key, value in pairs]


def new_frame(call_id, seq, size):
    """A message of a call: a head and `size` bytes of noise."""
    at = (call_id + seq * 40503) % BODY_BYTES_MAX
    body = _NOISE[at : at + size]
    head = _HEAD.pack(call_id, seq, size)
    return head + _SUM.pack(zlib.crc32(body, zlib.crc32(head))) + body


def check_frame(frame, call_id, seq):
    """Raises Crossed or Lost unless the message is the whole, next message of its call."""
    if len(frame) < FRAME_HEAD_BYTES:
        raise Lost(f"{len(frame)} bytes have no head")
    got_id, got_seq, size = _HEAD.unpack_from(frame)
    if got_id != call_id:
        raise Crossed(f"a message of call {got_id} came in call {call_id}")
    if got_seq != seq:
        raise Lost(f"message {got_seq} came where {seq} was due")
    if size != len(frame) - FRAME_HEAD_BYTES:
        raise Lost(f"a body of {size} bytes came with {len(frame) - FRAME_HEAD_BYTES}")
    body = memoryview(frame)[FRAME_HEAD_BYTES:]
    if _SUM.unpack_from(frame, 16)[0] != zlib.crc32(body, zlib.crc32(frame[:16])):
        raise Lost("the checksum does not fit")
