"""Reads values.csv of a directory with PyArrow, DuckDB and Polars, whose column types are told, and compares each with values.parquet of the same rows.

Prints one line per disagreement and a count; exits 1 on any."""
import math, os, sys

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq


def comparable(value):
    return "NaN" if isinstance(value, float) and math.isnan(value) else value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value


def pyarrow_columns(path, schema):
    table = pc.read_csv(
        path, parse_options=pc.ParseOptions(newlines_in_values=True),
        convert_options=pc.ConvertOptions(column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]))
    return {name: table.column(name).to_pylist() for name in table.column_names}


DUCKDB_TYPES = {pa.bool_(): "BOOLEAN", pa.int32(): "INTEGER", pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.string(): "VARCHAR", pa.date32(): "DATE"}
POLARS_TYPES = {pa.bool_(): pl.Boolean, pa.int32(): pl.Int32, pa.int64(): pl.Int64, pa.float64(): pl.Float64, pa.string(): pl.String, pa.date32(): pl.Date}


def duckdb_columns(path, schema):
    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    types = {f.name: DUCKDB_TYPES.get(f.type) or ("DECIMAL(18,2)" if pa.types.is_decimal(f.type) else "TIMESTAMPTZ") for f in schema}
    relation = connection.execute("FROM read_csv(?, columns=?, allow_quoted_nulls=false, header=true, quote='\"', escape='\"', delim=',')", [path, types])
    names = [d[0] for d in relation.description]
    rows = relation.fetchall()
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def polars_columns(path, schema):
    types = {f.name: POLARS_TYPES.get(f.type) or (pl.Decimal(18, 2) if pa.types.is_decimal(f.type) else pl.Datetime("us", "UTC")) for f in schema}
    frame = pl.read_csv(path, schema=types)
    return {name: frame[name].to_list() for name in frame.columns}


def main(folder):
    path = os.path.join(folder, "values.csv")
    table = pq.read_table(os.path.join(folder, "values.parquet"))
    # A column of midnights is written as dates.
    schema = pa.schema([pa.field(f.name, pa.date32() if f.name == "day" else f.type) for f in table.schema])
    days = table.column("day").cast(pa.date32())
    table = table.set_column(table.column_names.index("day"), "day", days)
    bad = 0
    for read in (pyarrow_columns, duckdb_columns, polars_columns):
        found = read(path, schema)
        for name in table.column_names:
            want = [comparable(v) for v in table.column(name).to_pylist()]
            got = [comparable(v) for v in found[name]]
            if got != want:
                at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
                print(f"{read.__name__}: {name} row {at}: found {got[at:at + 1]}, expected {want[at:at + 1]} ({len(got)} of {len(want)} rows)")
                bad += 1
    print(f"{table.num_rows} rows, {bad} disagreements")
    return 1 if bad or not table.num_rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
