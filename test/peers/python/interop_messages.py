"""The messages of grpc.testing.TestService as the interop cases need them, written and read by hand.

Field numbers are those of grpc-proto's grpc/testing/messages.proto. Encoders leave out what is empty,
as protobuf does; decoders read the one field that a case looks at.
"""

_VARINT = 0
_LENGTH_DELIMITED = 2


def simple_request(response_bytes=0, payload_bytes=None, status=None):
    """SimpleRequest: `status` is (code, message), what the server is asked to answer with."""
    return _number(2, response_bytes) + _payload(3, payload_bytes) + _status(status)


def streaming_input(payload_bytes):
    """StreamingInputCallRequest with a payload of zeroes."""
    return _payload(1, payload_bytes)


def streaming_output(response_bytes=(), payload_bytes=None, status=None):
    """StreamingOutputCallRequest: an answer of each size, and a payload of zeroes."""
    sizes = b"".join(_bytes(2, _number(1, size)) for size in response_bytes)
    return sizes + _payload(3, payload_bytes) + _status(status)


def payload_bytes_of(message):
    """Bytes in the payload of a SimpleResponse or a StreamingOutputCallResponse."""
    return len(_field(_field(message, 1) or b"", 2) or b"")


def aggregated_bytes_of(message):
    """aggregated_payload_size of a StreamingInputCallResponse."""
    return _field(message, 1) or 0


def response(size):
    """SimpleResponse or StreamingOutputCallResponse: a payload of zeroes."""
    return _payload(1, size)


def aggregate(size):
    """StreamingInputCallResponse."""
    return _number(1, size)


def compressable_of(request):
    """Of a SimpleRequest: whether the answer shall be compressed, and its size."""
    return _bool_value(request, 6), _field(request, 2) or 0


def payload_of_input(request):
    """Bytes in the payload of a StreamingInputCallRequest."""
    return len(_field(_field(request, 1) or b"", 2) or b"")


def response_parameters_of(request):
    """Of a StreamingOutputCallRequest: for each answer its size, the wait before it in us, and whether
    it shall be compressed."""
    return [
        (_field(each, 1) or 0, _field(each, 2) or 0, _bool_value(each, 3)) for each in _fields(request, 2)
    ]


def status_of(request):
    """The (code, message) that a SimpleRequest or a StreamingOutputCallRequest asks for, or None."""
    status = _field(request, 7)
    return None if status is None else (_field(status, 1) or 0, (_field(status, 2) or b"").decode())


def _bool_value(message, field):
    """Whether a BoolValue is there and true."""
    return bool(_field(_field(message, field) or b"", 1))


def _payload(field, size):
    return b"" if size is None else _bytes(field, _bytes(2, bytes(size)))


def _status(status):
    if status is None:
        return b""
    code, message = status
    return _bytes(7, _number(1, code) + _bytes(2, message.encode()))


def _bytes(field, value):
    return _varint(field << 3 | _LENGTH_DELIMITED) + _varint(len(value)) + value


def _number(field, value):
    return _varint(field << 3 | _VARINT) + _varint(value) if value else b""


def _varint(value):
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _field(message, wanted):
    """The last value of a field: an int for a varint, bytes for a length-delimited one, or None."""
    values = _fields(message, wanted)
    return values[-1] if values else None


def _fields(message, wanted):
    """All values of a field, as `_field` gives one."""
    found, at = [], 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        value, at = _read_varint(message, at)
        if tag & 7 == _LENGTH_DELIMITED:
            at, value = at + value, message[at : at + value]
        elif tag & 7 != _VARINT:
            raise ValueError(f"wire type {tag & 7} is not read here")
        if tag >> 3 == wanted:
            found.append(value)
    return found


def _read_varint(message, at):
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
