#!/usr/bin/env python3
"""Decodes encoded VARIANT values (metadata and value behind each other) and compares them with canonical texts (see Support/ValueDump.swift).

usage: variants.py LIST    where a line of LIST is FILE <tab> TEXT
Prints one line per difference; exit status 1 when there was any.
"""
import base64, json, struct, sys, uuid


def number(data, at, size):
    return int.from_bytes(data[at:at + size], "little")


def keys(data):
    size = (data[0] >> 6) + 1
    count = number(data, 1, size)
    offsets = [number(data, 1 + size * (1 + i), size) for i in range(count + 1)]
    start = 1 + size * (count + 2)
    return [data[start + a:start + b].decode() for a, b in zip(offsets, offsets[1:])], start + offsets[-1]


def real(value):
    return "rnan" if value != value else "r%x" % struct.unpack("<Q", struct.pack("<d", value))[0]


def decimal(scale, coefficient):
    while coefficient and coefficient % 10 == 0:
        coefficient //= 10
        scale -= 1
    return "m%de%d" % (coefficient, -scale) if coefficient else "m0e0"


def decode(data, at, names):
    basic, header = data[at] & 3, data[at] >> 2
    body = at + 1
    signed = lambda start, size: int.from_bytes(data[start:start + size], "little", signed=True)
    if basic == 1:
        return "s" + data[body:body + header].decode()
    if basic >= 2:
        width = (header & 3) + 1
        id_width = (header >> 2 & 3) + 1 if basic == 2 else 0
        count_width = 4 if header >> (4 if basic == 2 else 2) & 1 else 1
        count = number(data, body, count_width)
        ids = body + count_width
        offsets = ids + count * id_width
        start = offsets + (count + 1) * width
        places = [start + number(data, offsets + i * width, width) for i in range(count)]
        if basic == 3:
            return [decode(data, place, names) for place in places]
        return {names[number(data, ids + i * id_width, id_width)]: decode(data, place, names) for i, place in enumerate(places)}
    if header == 0: return None
    if header in (1, 2): return header == 1
    if header in (3, 4, 5, 6): return "i%d" % signed(body, 1 << (header - 3))
    if header == 7: return real(struct.unpack_from("<d", data, body)[0])
    if header in (8, 9, 10): return decimal(data[body], signed(body + 1, 4 << (header - 8)))
    if header == 11: return "t%d" % (signed(body, 4) * 864000000000)
    if header in (12, 13): return "t%d" % (signed(body, 8) * 10)
    if header == 14: return real(struct.unpack_from("<f", data, body)[0])
    if header in (15, 16):
        raw = data[body + 4:body + 4 + number(data, body, 4)]
        return "s" + (raw.decode() if header == 16 else base64.b64encode(raw).decode())
    if header == 17: return "d%d" % (signed(body, 8) * 10)
    if header in (18, 19): return "t%d" % (signed(body, 8) // 100)
    if header == 20: return "g" + str(uuid.UUID(bytes=data[body:body + 16]))
    raise ValueError("primitive type %d" % header)


def main(path):
    status = 0
    for line in open(path, encoding="utf-8"):
        file, text = line.rstrip("\n").split("\t", 1)
        data = open(file, "rb").read()
        names, end = keys(data)
        expected = decode(data, end, names)
        if json.loads(text) != expected:
            status = 1
            print("different\t%s\t%s, expected %r" % (file, text, expected))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
