#!/usr/bin/env python3
"""Compares value dumps (see Support/ValueDump.swift) with what PyArrow reads.

usage: compare_values.py FILE.parquet DUMP [FILE.parquet DUMP ...]
Prints one line per difference or unreadable file; exit status 1 when there was any difference.
"""
import base64, json, math, struct, sys, decimal, datetime, uuid
import pyarrow as pa
import pyarrow.parquet as pq

EPOCH_DAYS = datetime.date(1970, 1, 1).toordinal()
MIN_TICKS, MAX_TICKS = -621355968000000000, 2534023007999999999
UNIT = {"s": 10**7, "ms": 10**4, "us": 10}


def real(value):
    value = float(value)
    return "rnan" if math.isnan(value) else "r%x" % struct.unpack("<Q", struct.pack("<d", value))[0]


def ticks(count, unit):
    value = count // 100 if unit == "ns" else count * UNIT[unit]
    return value


def binary(value, always):
    if not always:
        try:
            return "s" + value.decode("utf-8")
        except UnicodeDecodeError:
            pass
    return "s" + base64.b64encode(value).decode()


def column(array, field, parquet_type):
    """Canonical values of one Arrow array."""
    t = array.type
    if isinstance(t, pa.ExtensionType) or isinstance(t, pa.BaseExtensionType):
        if "uuid" in str(t):
            return [None if v is None else "g" + str(v) for v in array.to_pylist()]
        if "json" in str(t):
            return [None if v is None else dynamic(json.loads(v, parse_float=str)) for v in array.to_pylist()]
        return column(array.storage, field, parquet_type)
    valid = [v.is_valid for v in array] if array.null_count else None
    def masked(values):
        return values if valid is None else [v if ok else None for v, ok in zip(values, valid)]
    if pa.types.is_dictionary(t):
        return column(array.dictionary_decode(), field, parquet_type)
    if pa.types.is_timestamp(t):
        ints = array.cast(pa.int64()).to_pylist()
        return [None if v is None else "t%d" % min(max(ticks(v, t.unit), MIN_TICKS), MAX_TICKS) for v in ints]
    if pa.types.is_date32(t):
        return [None if v is None else "t%d" % (v * 864000000000) for v in array.cast(pa.int32()).to_pylist()]
    if pa.types.is_time32(t) or pa.types.is_time64(t):
        ints = array.cast(pa.int32() if pa.types.is_time32(t) else pa.int64()).to_pylist()
        return [None if v is None else "d%d" % ticks(v, t.unit) for v in ints]
    if pa.types.is_duration(t):
        return [None if v is None else "i%d" % v for v in array.cast(pa.int64()).to_pylist()]
    if pa.types.is_uint64(t):
        return [None if v is None else dec(decimal.Decimal(v)) for v in array.to_pylist()]
    if pa.types.is_integer(t):
        return [None if v is None else "i%d" % v for v in array.to_pylist()]
    if pa.types.is_floating(t):
        return [None if v is None else real(v) for v in array.to_pylist()]
    if pa.types.is_decimal(t):
        return [None if v is None else dec(v) for v in array.to_pylist()]
    if pa.types.is_boolean(t):
        return array.to_pylist()
    if pa.types.is_string(t) or pa.types.is_large_string(t):
        return [None if v is None else "s" + v for v in array.to_pylist()]
    if pa.types.is_fixed_size_binary(t):
        return [None if v is None else binary(v, True) for v in array.to_pylist()]
    if pa.types.is_binary(t) or pa.types.is_large_binary(t):
        return [None if v is None else binary(v, parquet_type in ("GEOMETRY", "GEOGRAPHY", "BSON")) for v in array.to_pylist()]
    if pa.types.is_null(t):
        return [None] * len(array)
    if pa.types.is_map(t):
        keys, items = column(array.keys, None, None), column(array.items, None, None)
        offsets = array.offsets.to_pylist()
        out = []
        for i in range(len(array)):
            if valid is not None and not valid[i]:
                out.append(None)
            else:
                base = offsets[0] if array.offset == 0 else 0
                a, b = offsets[i], offsets[i + 1]
                out.append({text(keys[k]): items[k] for k in range(a, b)})
        return out
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        values = column(array.values, None, None)
        offsets = array.offsets.to_pylist()
        return masked([values[offsets[i]:offsets[i + 1]] for i in range(len(array))])
    if pa.types.is_struct(t):
        parts = [column(array.field(i), None, None) for i in range(t.num_fields)]
        names = [t.field(i).name for i in range(t.num_fields)]
        return masked([dict(zip(names, row)) for row in zip(*parts)] if parts else [{} for _ in range(len(array))])
    raise TypeError(str(t))


def dec(v):
    sign, digits, exponent = v.as_tuple()
    c = int("".join(map(str, digits)) or "0") * (-1 if sign else 1)
    if c == 0:
        return "m0e0"
    while c % 10 == 0:
        c //= 10
        exponent += 1
    return "m%de%d" % (c, exponent)


def dynamic(v):
    if isinstance(v, bool) or v is None:
        return v
    if isinstance(v, int):
        return "i%d" % v
    if isinstance(v, str):
        return "s" + v
    if isinstance(v, list):
        return [dynamic(x) for x in v]
    return {k: dynamic(x) for k, x in v.items()}


def text(key):
    if isinstance(key, bool):
        return "true" if key else "false"
    return key[1:] if isinstance(key, str) else "null"


def compare(path, dump):
    with open(dump, encoding="utf-8") as lines:
        header = json.loads(next(lines))
        ours = [json.loads(line) for line in lines]
    file = pq.ParquetFile(path, coerce_int96_timestamp_unit="us")
    kinds = {}
    for i in range(len(file.schema)):
        c = file.schema.column(i)
        kinds[c.path] = c.logical_type.type if c.logical_type else None
    table = file.read()
    if table.num_columns != len(header):
        return ["%d columns, PyArrow has %d" % (len(header), table.num_columns)]
    if table.num_rows != len(ours):
        return ["%d rows, PyArrow has %d" % (len(ours), table.num_rows)]
    problems = []
    for i, (name, kind) in enumerate(header):
        field = table.schema.field(i)
        if field.name != name:
            problems.append("column %d is '%s', PyArrow calls it '%s'" % (i, name, field.name))
        chunked = table.column(i)
        expected = []
        for chunk in chunked.chunks:
            expected += column(chunk, field, kinds.get(field.name))
        bad = [r for r in range(len(ours)) if ours[r][i] != expected[r]]
        if bad:
            r = bad[0]
            problems.append("column '%s' (%s, %s): %d rows differ, first row %d: %r, PyArrow %r"
                            % (name, kind, field.type, len(bad), r, ours[r][i], expected[r]))
    return problems


def main(args):
    status = 0
    for path, dump in zip(args[0::2], args[1::2]):
        try:
            problems = compare(path, dump)
        except (pa.ArrowException, OSError) as error:
            print("unreadable\t%s\tPyArrow: %s" % (path, str(error).split("\n")[0]))
            continue
        except Exception as error:  # a type the judge does not know
            problems = ["judge: %s: %s" % (type(error).__name__, error)]
        for problem in problems:
            status = 1
            print("different\t%s\t%s" % (path, problem))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
