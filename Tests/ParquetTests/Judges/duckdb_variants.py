#!/usr/bin/env python3
"""Writes VARIANT columns with DuckDB, shredded as it likes and as told, and says what their values are.

usage: duckdb_variants.py FOLDER    writes FOLDER/<name>.parquet and FOLDER/<name>.txt, a canonical text (see Support/ValueDump.swift) per row
"""
import json, struct, sys
import duckdb


def canonical(value):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return "i%d" % value
    if isinstance(value, float):
        return "r%x" % struct.unpack("<Q", struct.pack("<d", value))[0]
    if isinstance(value, str):
        return "s" + value
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return {key: canonical(value[key]) for key in sorted(value, key=lambda key: key.encode())}


def main(folder):
    db = duckdb.connect()
    db.sql("""create table t as select case when i % 11 = 0 then null when i % 7 = 0 then (i * 1.5)::double::variant when i % 5 = 0 then ['a', i::varchar]::variant
      when i % 3 = 0 then {'n': 'no number', 'extra': {'k': [null, i]}, 'é': true}::variant
      else {'n': i, 's': 'text ' || i, 'nested': {'x': [i, i + 1], 'y': null}, 'b': i % 2 = 0, 'r': i / 8, 'list': [{'p': i}, {'p': null}]}::variant end v
      from range(3000) r(i)""")
    for name, options in [("own", ""), ("told", "(shredding {'v': 'struct(n bigint, s varchar, nested struct(x bigint[]))'})")]:
        db.sql("copy t to '%s/%s.parquet' %s" % (folder, name, options))
        with open("%s/%s.txt" % (folder, name), "w", encoding="utf-8") as out:
            for (text,) in db.sql("select v::json from t").fetchall():
                value = json.loads(text) if text is not None else None
                out.write(json.dumps(canonical(value), ensure_ascii=False, separators=(",", ":")) + "\n")


main(sys.argv[1])
