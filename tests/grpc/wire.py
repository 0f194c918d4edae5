"""The little of protocol buffers that the greeter's messages need, so that no generated code is."""


def varint(number: int) -> bytes:
    out = bytearray()
    while True:
        byte, number = number & 0x7F, number >> 7
        out.append(byte | (0x80 if number else 0))
        if not number:
            return bytes(out)


def message(**fields: object) -> bytes:
    """`message(f1="text", f3=7)`: field 1 as text, field 3 as a number."""
    out = b""
    for name, value in fields.items():
        number = int(name.removeprefix("f"))
        if isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def fields(data: bytes) -> dict[int, list[object]]:
    """Numbers and bytes by the field's number."""
    at, found = 0, {}

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            value = number()
        elif key & 7 == 2:
            length = number()
            value, at = data[at:at + length], at + length
        else:
            raise ValueError(f"wire type {key & 7}")
        found.setdefault(key >> 3, []).append(value)
    return found


def text(data: bytes, number: int = 1) -> str:
    return fields(data).get(number, [b""])[0].decode()


def count(data: bytes, number: int = 1) -> int:
    return fields(data).get(number, [0])[0]
