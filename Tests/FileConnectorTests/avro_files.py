"""Avro files of every type and codec, written by fastavro, and the same rows as JSON. `avro_files.py DIRECTORY`; ends with 77 when fastavro is missing."""

import datetime
import decimal
import json
import random
import sys
import uuid
import zlib

try:
    import cramjam  # noqa: F401 - snappy for fastavro
    import fastavro
    from backports import zstd  # noqa: F401 - zstandard for fastavro
except ImportError as missing:
    print(f"missing: {missing}")
    sys.exit(77)

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)


def nullable(type):
    return ["null", type]


SCHEMA = fastavro.parse_schema({"type": "record", "name": "Row", "namespace": "test.rows", "fields": [
    {"name": "id", "type": "long"},
    {"name": "b", "type": nullable("boolean")},
    {"name": "i", "type": ["int", "null"]},
    {"name": "l", "type": nullable("long")},
    {"name": "f", "type": nullable("float")},
    {"name": "d", "type": nullable("double")},
    {"name": "s", "type": nullable("string")},
    {"name": "y", "type": nullable("bytes")},
    {"name": "x", "type": nullable({"type": "fixed", "name": "Four", "size": 4})},
    {"name": "e", "type": nullable({"type": "enum", "name": "Color", "symbols": ["RED", "GREEN", "BLUE"]})},
    {"name": "day", "type": nullable({"type": "int", "logicalType": "date"})},
    {"name": "tm", "type": nullable({"type": "int", "logicalType": "time-millis"})},
    {"name": "tu", "type": nullable({"type": "long", "logicalType": "time-micros"})},
    {"name": "ts", "type": nullable({"type": "long", "logicalType": "timestamp-millis"})},
    {"name": "us", "type": nullable({"type": "long", "logicalType": "timestamp-micros"})},
    {"name": "local", "type": nullable({"type": "long", "logicalType": "local-timestamp-micros"})},
    {"name": "g", "type": nullable({"type": "string", "logicalType": "uuid"})},
    {"name": "m", "type": nullable({"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 5})},
    {"name": "n", "type": nullable({"type": "fixed", "name": "Money", "size": 9, "logicalType": "decimal", "precision": 18, "scale": 2})},
    {"name": "rec", "type": nullable({"type": "record", "name": "Point", "fields": [
        {"name": "x", "type": "double"}, {"name": "label", "type": nullable("string")}, {"name": "next", "type": nullable("Point")}]})},
    {"name": "arr", "type": nullable({"type": "array", "items": nullable("long")})},
    {"name": "map", "type": nullable({"type": "map", "values": {"type": "array", "items": "string"}})},
    {"name": "mixed", "type": ["null", "long", "string", {"type": "array", "items": "boolean"}]},
    {"name": "again", "type": nullable("test.rows.Color")},
]})
COLUMNS = ("id:long, b:bool, i:int, l:long, f:real, d:real, s:string, y:string, x:string, e:string, day:datetime, tm:timespan, tu:timespan, ts:datetime, us:datetime, local:datetime, "
           "g:guid, m:decimal, n:decimal, rec:dynamic, arr:dynamic, map:dynamic, mixed:dynamic, again:string")


def point(rng, depth):
    return {"x": rng.choice([0.5, -2.25, 1e300]), "label": rng.choice([None, "", "ü", "p"]), "next": point(rng, depth - 1) if depth > 0 and rng.random() < 0.5 else None}


def float32(value):
    import struct
    return struct.unpack("<f", struct.pack("<f", value))[0]


def row(rng, i):
    def maybe(value):
        return None if rng.random() < 0.15 else value
    # A schema without a moment in it gives datetimes that know no zone.
    moment = EPOCH + datetime.timedelta(microseconds=rng.randrange(-10**16, 10**16))
    return {
        "id": i, "b": maybe(rng.random() < 0.5), "i": maybe(rng.choice([0, -1, 2**31 - 1, -2**31, rng.randrange(10**6)])),
        "l": maybe(rng.choice([0, -1, 2**63 - 1, -2**63, rng.randrange(10**15)])), "f": maybe(float32(rng.uniform(-1e6, 1e6))), "d": maybe(rng.uniform(-1e9, 1e9)),
        "s": maybe(rng.choice(["", "plain", "ü😀 line\nfeed", "x" * rng.randrange(300)])), "y": maybe(rng.choice([b"", b"text", b"\xff\x00\xfe", bytes(range(256))])),
        "x": maybe(rng.choice([b"abcd", b"\x80\x81\x82\x83"])), "e": maybe(rng.choice(["RED", "GREEN", "BLUE"])),
        "day": maybe((datetime.date(1970, 1, 1) + datetime.timedelta(days=rng.randrange(-700_000, 2_900_000)))), "tm": maybe(datetime.time(rng.randrange(24), rng.randrange(60), rng.randrange(60), rng.randrange(1000) * 1000)),
        "tu": maybe(datetime.time(rng.randrange(24), rng.randrange(60), rng.randrange(60), rng.randrange(10**6))),
        "ts": maybe(moment.replace(microsecond=moment.microsecond // 1000 * 1000)), "us": maybe(moment), "local": maybe(moment.replace(tzinfo=None)), "g": maybe(uuid.UUID(int=rng.getrandbits(128))),
        "m": maybe(decimal.Decimal(rng.randrange(-10**29, 10**29)).scaleb(-5)), "n": maybe(decimal.Decimal(rng.randrange(-10**17, 10**17)).scaleb(-2)),
        "rec": maybe(point(rng, 3)), "arr": maybe([rng.choice([None, 1, -5, 2**40]) for _ in range(rng.randrange(5))]),
        "map": maybe({k: ["v"] * rng.randrange(3) for k in rng.sample(["a", "b", "ü", ""], rng.randrange(5))}), "mixed": rng.choice([None, 5, "five", [True, False], []]), "again": maybe("BLUE"),
    }


def shown(value):
    """As the JSON reader takes it for the column."""
    import base64
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
        return value.strftime("%Y").zfill(4) + value.strftime("-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return f"{value.year:04}-{value.month:02}-{value.day:02}T00:00:00Z"
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M:%S.%f")
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return value


def write(path, rows, codec, **more):
    with open(path, "wb") as file:
        fastavro.writer(file, SCHEMA, rows, codec=codec, sync_interval=4_000, **more)


def main(directory):
    rng = random.Random(20)
    rows = [row(rng, i) for i in range(3_000)]
    for codec in ["null", "deflate", "snappy", "zstandard", "bzip2"]:
        write(f"{directory}/{codec}.avro", rows, codec)
    write(f"{directory}/none.avro", [], "null")
    with open(f"{directory}/columns.txt", "w") as file:
        file.write(COLUMNS)
    with open(f"{directory}/rows.json", "w") as file:
        for r in rows:
            file.write(json.dumps({k: shown(v) for k, v in r.items()}, ensure_ascii=False) + "\n")
    # Other writers put deflate's bytes there and nothing behind them.
    data = open(f"{directory}/null.avro", "rb").read()
    marker, out = data[-16:], b""
    start = data.index(marker) + 16
    header = data[:start].replace(b"\x08null", b"\x0edeflate")
    at = start
    while at < len(data):
        begin = at
        for _ in range(2):
            shift = value = 0
            while True:
                byte = data[at]
                at += 1
                value |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            if _ == 0:
                count = data[begin:at]
        size = value >> 1
        packer = zlib.compressobj(wbits=-15)
        packed = packer.compress(data[at:at + size]) + packer.flush()
        at += size + 16
        length = len(packed) << 1
        encoded = b""
        while length >= 0x80:
            encoded += bytes([length & 0x7F | 0x80])
            length >>= 7
        out += count + encoded + bytes([length]) + packed + marker
    with open(f"{directory}/deflate-bare.avro", "wb") as file:
        file.write(header + out)


if __name__ == "__main__":
    main(sys.argv[1])
