"""Reads a Delta table with DuckDB, Polars and deltalake and prints, one line each, the rows ordered by the first column as JSON."""
import json, sys
path = sys.argv[1]

def text(value):
    if value is None or isinstance(value, (int, float, str, bool)): return value
    return str(value)

def show(name, rows):
    print(name, json.dumps(sorted(([text(v) for v in row] for row in rows), key=lambda r: (r[0] is None, r[0]))))

import polars
show("polars", polars.read_delta(path).rows())
import deltalake
try:
    query = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(path)).execute("select * from t")
    batches = query.read_all() if hasattr(query, "read_all") else query
    import pyarrow
    table = pyarrow.table(batches) if not isinstance(batches, list) else pyarrow.Table.from_batches(batches)
    show("deltalake", [list(r.values()) for r in table.to_pylist()])
except Exception as error:
    print("deltalake error", type(error).__name__, error)
import duckdb
# The files of the version and the columns of its schema: DuckDB's delta extension has to be downloaded, which tests do not.
table = deltalake.DeltaTable(path)
names = ", ".join('"' + field.name.replace('"', '""') + '"' for field in table.schema().fields)
show("duckdb", duckdb.sql(f"select {names} from read_parquet({table.file_uris()!r}, union_by_name=true)").fetchall())
