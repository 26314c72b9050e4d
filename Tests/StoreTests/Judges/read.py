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
try:
    connection = duckdb.connect()
    connection.execute("load delta")
    show("duckdb", connection.execute(f"from delta_scan('{path}')").fetchall())
except Exception as error:
    print("duckdb error", type(error).__name__, error)
