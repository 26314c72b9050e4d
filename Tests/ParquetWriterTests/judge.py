"""Reads every *.parquet of a directory with PyArrow, DuckDB and Polars and compares it with the values in the *.json beside it.

A .json holds {"columns": [{"name", "type", "values": [text or null, …]}]}: integers and ticks in decimal, doubles as 16 hex digits of their bits,
decimals as text, booleans as true/false. Prints one line per disagreement and a count; exits 1 on any."""
import datetime, decimal, glob, json, os, struct, sys

import duckdb
import polars as pl
import pyarrow.parquet as pq

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def text(value, kind):
    if value is None:
        return None
    if kind == "bool":
        return "true" if value else "false"
    if kind == "real":
        return struct.pack(">d", value).hex()
    if kind == "decimal":
        return str(decimal.Decimal(value).normalize() + 0)
    if kind in ("datetime", "date"):
        if isinstance(value, datetime.datetime):
            if value.tzinfo is None:
                value = value.replace(tzinfo=datetime.timezone.utc)
            delta = value - EPOCH
        else:
            delta = value - EPOCH.date()
        return str((delta.days * 86_400_000_000 + delta.seconds * 1_000_000 + delta.microseconds) * 10)
    return str(value)


def expected(value, kind):
    if value is not None and kind == "decimal":
        return str(decimal.Decimal(value).normalize() + 0)
    return value


def pyarrow_columns(path):
    table = pq.read_table(path)
    return {name: table.column(name).to_pylist() for name in table.column_names}


def duckdb_columns(path):
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    cursor = connection.execute("FROM read_parquet(?)", [path])
    names = [d[0] for d in cursor.description]
    rows = cursor.fetchall()
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def polars_columns(path):
    frame = pl.read_parquet(path)
    return {name: frame[name].to_list() for name in frame.columns}


def main(folder):
    readers = {"pyarrow": pyarrow_columns, "duckdb": duckdb_columns, "polars": polars_columns}
    files = sorted(glob.glob(os.path.join(folder, "*.parquet")))
    bad = 0
    for path in files:
        with open(path[:-8] + ".json") as file:
            columns = json.load(file)["columns"]
        for reader, read in readers.items():
            try:
                found = read(path)
            except Exception as error:
                print(f"{os.path.basename(path)}: {reader}: {error}")
                bad += 1
                continue
            for column in columns:
                kind = column["type"]
                if kind == "bigdecimal" and reader == "polars":
                    continue
                kind = "decimal" if kind == "bigdecimal" else kind
                got = [text(v, kind) for v in found[column["name"]]]
                want = [expected(v, kind) for v in column["values"]]
                if got != want:
                    at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
                    print(f"{os.path.basename(path)}: {reader}: column {column['name']} row {at}: "
                          f"found {got[at:at + 1]}, expected {want[at:at + 1]} ({len(got)} of {len(want)} rows)")
                    bad += 1
    print(f"{len(files)} files, {bad} disagreements")
    return 1 if bad or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
