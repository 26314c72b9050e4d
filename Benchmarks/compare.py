#!/usr/bin/env python3
"""Measures kconnect against DuckDB, Polars and PyArrow: the same files, the same cores, whole processes, one run.

    Benchmarks/compare.py [--data DIR] [--runs N] [--tasks csv-to-parquet,q1,…] [--peers duckdb,polars,pyarrow] [--store] [--json FILE]

DIR holds TPC-H lineitem and orders as CSV and Parquet (made by `tpchgen-cli` when missing). Every contender runs N times, interleaved;
the table shows each one's median seconds and the ratio of kconnect's median to the fastest peer's. `scripts/bench` prepares the peers and calls this.
With --store the tables lie in kconnect's embedded store and in DuckDB's own database file instead of Parquet files; DuckDB is the only peer.
"""
import argparse, json, os, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

# Each task: KQL over --table (or a read/write command), SQL for DuckDB, an expression over Polars' LazyFrame L (and O for orders), PyArrow code.
# {csv} {parquet} {orders} {out} are paths.
TASKS = {
    "csv-to-parquet": {
        "kconnect": ["write", "--from", "csv:{csv}", "--to", "parquet:{out}.parquet", "--mode", "overwrite"],
        "duckdb": "COPY (FROM read_csv('{csv}')) TO '{out}.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3)",
        "polars": "pl.scan_csv('{csv}', try_parse_dates=True).sink_parquet('{out}.parquet', compression='zstd', compression_level=3)",
        "pyarrow": "import pyarrow.csv as pc, pyarrow.parquet as pq\nr = pc.open_csv('{csv}')\nw = pq.ParquetWriter('{out}.parquet', r.schema, compression='zstd', compression_level=3)\nfor b in r: w.write_batch(b)\nw.close()",
        "size": True,
    },
    "parquet-to-csv": {
        "kconnect": ["write", "--from", "parquet:{parquet}", "--to", "csv:{out}.csv", "--mode", "overwrite"],
        "duckdb": "COPY (FROM '{parquet}') TO '{out}.csv' (FORMAT csv, HEADER)",
        "polars": "pl.scan_parquet('{parquet}').sink_csv('{out}.csv')",
        # The CSV writer takes neither string views nor 128-bit decimals of these files: they are cast first.
        "pyarrow": "import pyarrow as pa, pyarrow.csv as pc, pyarrow.dataset as ds\nd = ds.dataset('{parquet}')\n"
        "s = pa.schema([(f.name, pa.string() if f.type == pa.string_view() else f.type) for f in d.schema])\nw = pc.CSVWriter('{out}.csv', s)\n"
        "for b in d.to_batches():\n    w.write_batch(b.cast(s))\nw.close()",
        "size": True,
    },
    "needle": {
        "kql": "lineitem | where l_orderkey between (3000000 .. 3003000) | project l_orderkey, l_partkey, l_extendedprice",
        "sql": "SELECT l_orderkey, l_partkey, l_extendedprice FROM lineitem WHERE l_orderkey BETWEEN 3000000 AND 3003000",
        "lazy": "L.filter(pl.col('l_orderkey').is_between(3000000, 3003000)).select('l_orderkey', 'l_partkey', 'l_extendedprice')",
        "arrow": "T(columns=['l_orderkey', 'l_partkey', 'l_extendedprice'], filter=(f('l_orderkey') >= 3000000) & (f('l_orderkey') <= 3003000))",
    },
    "needle-own-file": {"kql_own": True, "like": "needle"},
    "q1": {
        "kql": "lineitem | where l_shipdate <= datetime(1998-09-02) | summarize sum_qty = sum(l_quantity), sum_base_price = sum(l_extendedprice), "
        "sum_disc_price = sum(l_extendedprice * (1 - l_discount)), sum_charge = sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)), "
        "avg_qty = avg(l_quantity), avg_price = avg(l_extendedprice), avg_disc = avg(l_discount), count_order = count() "
        "by l_returnflag, l_linestatus | order by l_returnflag asc, l_linestatus asc",
        "sql": "SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), sum(l_extendedprice * (1 - l_discount)), "
        "sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)), avg(l_quantity), avg(l_extendedprice), avg(l_discount), count(*) FROM lineitem "
        "WHERE l_shipdate <= DATE '1998-09-02' GROUP BY ALL ORDER BY ALL",
        "lazy": "L.filter(pl.col('l_shipdate') <= pl.date(1998, 9, 2)).group_by('l_returnflag', 'l_linestatus').agg(a=pl.col('l_quantity').sum(), "
        "b=pl.col('l_extendedprice').sum(), c=(pl.col('l_extendedprice') * (1 - pl.col('l_discount'))).sum(), "
        "d=(pl.col('l_extendedprice') * (1 - pl.col('l_discount')) * (1 + pl.col('l_tax'))).sum(), e=pl.col('l_quantity').mean(), "
        "f=pl.col('l_extendedprice').mean(), g=pl.col('l_discount').mean(), h=pl.len()).sort('l_returnflag', 'l_linestatus')",
    },
    "q6": {
        "kql": "lineitem | where l_shipdate >= datetime(1994-01-01) and l_shipdate < datetime(1995-01-01) and l_discount between (decimal(0.05) .. decimal(0.07)) "
        "and l_quantity < 24 | summarize revenue = sum(l_extendedprice * l_discount)",
        "sql": "SELECT sum(l_extendedprice * l_discount) FROM lineitem WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01' "
        "AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24",
        "lazy": "L.filter((pl.col('l_shipdate') >= pl.date(1994, 1, 1)) & (pl.col('l_shipdate') < pl.date(1995, 1, 1)) & "
        "pl.col('l_discount').is_between(Decimal('0.05'), Decimal('0.07')) & (pl.col('l_quantity') < 24)).select((pl.col('l_extendedprice') * pl.col('l_discount')).sum())",
    },
    "group-200k": {
        "kql": "lineitem | summarize n = count(), q = sum(l_quantity) by l_partkey | top 10 by q desc",
        "sql": "SELECT l_partkey, count(*) n, sum(l_quantity) q FROM lineitem GROUP BY l_partkey ORDER BY q DESC LIMIT 10",
        "lazy": "L.group_by('l_partkey').agg(n=pl.len(), q=pl.col('l_quantity').sum()).top_k(10, by='q')",
    },
    "contains": {
        "kql": "lineitem | where l_comment contains 'express' | count",
        "sql": "SELECT count(*) FROM lineitem WHERE l_comment ILIKE '%express%'",
        "lazy": "L.filter(pl.col('l_comment').str.contains('(?i)express')).select(pl.len())",
    },
    "dcount": {
        "kql": "lineitem | summarize dcount(l_partkey)",
        "sql": "SELECT approx_count_distinct(l_partkey) FROM lineitem",
        "lazy": "L.select(pl.col('l_partkey').approx_n_unique())",
    },
    "top-10": {
        "kql": "lineitem | project l_orderkey, l_partkey, l_extendedprice | top 10 by l_extendedprice desc",
        "sql": "SELECT l_orderkey, l_partkey, l_extendedprice FROM lineitem ORDER BY l_extendedprice DESC LIMIT 10",
        "lazy": "L.select('l_orderkey', 'l_partkey', 'l_extendedprice').top_k(10, by='l_extendedprice')",
    },
    "by-month": {
        "kql": "lineitem | summarize n = count(), s = sum(l_extendedprice) by month = startofmonth(l_shipdate) | order by month asc",
        "sql": "SELECT date_trunc('month', l_shipdate) m, count(*), sum(l_extendedprice) FROM lineitem GROUP BY m ORDER BY m",
        "lazy": "L.group_by(pl.col('l_shipdate').dt.truncate('1mo')).agg(n=pl.len(), s=pl.col('l_extendedprice').sum()).sort('l_shipdate')",
    },
    "percentiles": {
        "kql": "lineitem | summarize percentiles(l_extendedprice, 50, 95, 99)",
        "sql": "SELECT approx_quantile(l_extendedprice, [0.5, 0.95, 0.99]) FROM lineitem",
        "lazy": "L.select(pl.col('l_extendedprice').cast(pl.Float64).quantile(0.5).alias('a'), pl.col('l_extendedprice').cast(pl.Float64).quantile(0.95).alias('b'), pl.col('l_extendedprice').cast(pl.Float64).quantile(0.99).alias('c'))",
    },
    "join": {
        "kql": "lineitem | join kind=inner orders on $left.l_orderkey == $right.o_orderkey | summarize n = count(), q = sum(l_quantity) by o_orderpriority | order by o_orderpriority asc",
        "sql": "SELECT o_orderpriority, count(*), sum(l_quantity) FROM lineitem JOIN orders ON l_orderkey = o_orderkey GROUP BY 1 ORDER BY 1",
        "lazy": "L.join(O, left_on='l_orderkey', right_on='o_orderkey').group_by('o_orderpriority').agg(n=pl.len(), q=pl.col('l_quantity').sum()).sort('o_orderpriority')",
    },
}

# What is measured on tables of the store against tables of DuckDB's own.
STORE_TASKS = {
    "ingest-csv": {
        "kconnect": ["write", "--from", "csv:{csv}", "--to", "kusto:tpch.lineitem", "--mode", "overwrite", "--store", "{out}.store"],
        "duckdb": "CREATE TABLE lineitem AS FROM read_csv('{csv}')",
        "size": True,
    },
    "has": {
        "kql": "lineitem | where l_comment has 'express' | count",
        "sql": "SELECT count(*) FROM lineitem WHERE regexp_matches(l_comment, '(?i)\\bexpress\\b')",
    },
    "needle-has": {
        "kql": "lineitem | where l_comment has 'Tiresias' | project l_orderkey, l_comment | take 10",
        "sql": "SELECT l_orderkey, l_comment FROM lineitem WHERE regexp_matches(l_comment, '(?i)\\btiresias\\b') LIMIT 10",
    },
} | {name: TASKS[name] for name in ("needle", "q1", "q6", "group-200k", "contains", "dcount", "top-10", "by-month", "percentiles", "join")}

PRELUDE = "import polars as pl\nfrom decimal import Decimal\nL = pl.scan_parquet('{parquet}')\nO = pl.scan_parquet('{orders}')\n"


def commands(name, args, paths):
    """The command line of every contender for a task."""
    task = TASKS[name]
    own = task.get("kql_own")
    if own:
        task = TASKS[task["like"]]
    fill = lambda text: text.format(**paths)
    out = {}
    python = sys.executable
    if "kql" in task:
        source = paths["own"] if own else paths["parquet"]
        out["kconnect"] = [args.kconnect, "query", task["kql"], "--table", "lineitem=parquet:" + source,
                           "--table", "orders=parquet:" + paths["orders"], "--format", "csv"]
        parquet = source
        views = f"CREATE VIEW lineitem AS FROM '{parquet}'; CREATE VIEW orders AS FROM '{paths['orders']}'; "
        out["duckdb"] = [args.duckdb, "-csv", "-c", views + task["sql"]]
        out["polars"] = [python, "-c", PRELUDE.format(parquet=parquet, orders=paths["orders"]) + "print(" + task["lazy"] + ".collect())"]
        if "arrow" in task:
            out["pyarrow"] = [python, "-c", "import pyarrow.dataset as ds, sys\nf = ds.field\nT = ds.dataset('%s').to_table\nprint(%s.num_rows)" % (parquet, task["arrow"])]
    else:
        out["kconnect"] = [args.kconnect] + [fill(a) for a in task["kconnect"]]
        out["duckdb"] = [args.duckdb, "-c", fill(task["duckdb"])]
        out["polars"] = [python, "-c", "import polars as pl\n" + fill(task["polars"])]
        out["pyarrow"] = [python, "-c", fill(task["pyarrow"])]
    return out


def store_commands(name, args, paths):
    """The command line of both contenders for a task on tables of their own."""
    task = STORE_TASKS[name]
    fill = lambda text: text.format(**paths)
    if "kql" in task:
        return {"kconnect": [args.kconnect, "query", task["kql"], "--store", paths["store"], "--database", "tpch", "--format", "csv"],
                "duckdb": [args.duckdb, "-readonly", "-csv", paths["database"], "-c", task["sql"]]}
    return {"kconnect": [args.kconnect] + [fill(a) for a in task["kconnect"]], "duckdb": [args.duckdb, paths["out"] + ".duckdb", "-c", fill(task["duckdb"])]}


def prepare_store(args, paths):
    """Tables of both contenders, made once and kept beside the data."""
    paths["store"] = os.path.join(args.data, "store")
    paths["database"] = os.path.join(args.data, "tables.duckdb")
    if not os.path.exists(paths["store"]):
        for table in ("lineitem", "orders"):
            subprocess.run([args.kconnect, "write", "--from", "parquet:" + os.path.join(args.data, table + ".parquet"), "--to", f"kusto:tpch.{table}", "--mode", "overwrite",
                            "--store", paths["store"], "--quiet"], check=True)
    if not os.path.exists(paths["database"]):
        sql = "".join(f"CREATE TABLE {t} AS FROM '{os.path.join(args.data, t + '.parquet')}'; " for t in ("lineitem", "orders"))
        subprocess.run([args.duckdb, paths["database"], "-c", sql], check=True)


def clear(prefix):
    """Removes what a run left, and says how many bytes it was."""
    total = 0
    for name in os.listdir(os.path.dirname(prefix)):
        path = os.path.join(os.path.dirname(prefix), name)
        if not path.startswith(prefix):
            continue
        total += sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(path) for f in files) if os.path.isdir(path) else os.path.getsize(path)
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    return total


def once(command):
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        return None, (done.stderr or "").strip().splitlines()[-1:] or ["exit %d" % done.returncode]
    return seconds, None


def prepare(args):
    os.makedirs(args.data, exist_ok=True)
    for kind in ("csv", "parquet"):
        for table in ("lineitem", "orders"):
            if not os.path.exists(os.path.join(args.data, f"{table}.{kind}")):
                tool = os.path.join(os.path.dirname(sys.executable), "tpchgen-cli")
                subprocess.run([tool, kind, "-s", str(args.scale), "--tables=lineitem,orders", "--output-dir", args.data], check=True, stdout=subprocess.DEVNULL)
    paths = {k: os.path.join(args.data, v) for k, v in {"csv": "lineitem.csv", "parquet": "lineitem.parquet", "orders": "orders.parquet"}.items()}
    paths["own"] = os.path.join(args.data, "lineitem.kconnect.parquet")
    return paths


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.path.join(ROOT, ".build", "tpch"))
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--tasks")
    parser.add_argument("--store", action="store_true", help="tables of the embedded store against DuckDB's own")
    parser.add_argument("--peers", default="duckdb,polars,pyarrow")
    parser.add_argument("--json")
    parser.add_argument("--kconnect", default=os.path.join(ROOT, ".build", "release", "kconnect"))
    parser.add_argument("--duckdb", default=os.path.join(os.path.dirname(sys.executable), "duckdb"))
    args = parser.parse_args()
    paths = prepare(args)
    tasks, lines, contenders = TASKS, commands, ["kconnect"] + [p for p in args.peers.split(",") if p]
    if args.store:
        prepare_store(args, paths)
        tasks, lines, contenders = STORE_TASKS, store_commands, ["kconnect", "duckdb"]
    print(f"{'task':<18}" + "".join(f"{c:>11}" for c in contenders) + f"{'ratio':>8}  fastest peer   output MB")
    results = {}
    with tempfile.TemporaryDirectory(dir=args.data) as scratch:
        for name in args.tasks.split(",") if args.tasks else tasks:
            if tasks[name].get("kql_own") and not os.path.exists(paths["own"]):
                subprocess.run([args.kconnect, "write", "--from", "csv:" + paths["csv"], "--to", "parquet:" + paths["own"], "--quiet"], check=True)
            times = {c: [] for c in contenders}
            sizes = {}
            for _ in range(args.runs):
                for contender in contenders:
                    command = lines(name, args, dict(paths, out=os.path.join(scratch, contender))).get(contender)
                    if command is None or times[contender] is None:
                        continue
                    seconds, problem = once(command)
                    if seconds is None:
                        print(f"  {name}: {contender}: {problem[0]}", file=sys.stderr)
                        times[contender] = None
                    else:
                        times[contender].append(seconds)
                    left = clear(os.path.join(scratch, contender))
                    if tasks[name].get("size"):
                        sizes[contender] = left / 1e6
            median = {c: statistics.median(t) for c, t in times.items() if t}
            peers = {c: t for c, t in median.items() if c != "kconnect"}
            fastest = min(peers, key=peers.get) if peers else None
            ratio = median["kconnect"] / peers[fastest] if fastest and "kconnect" in median else None
            row = f"{name:<18}" + "".join(f"{median[c]:>11.3f}" if c in median else f"{'-':>11}" for c in contenders)
            row += f"{ratio:>8.2f}" if ratio else f"{'-':>8}"
            print(row + f"  {fastest or '-':<13}" + "  " + " ".join(f"{c} {s:.0f}" for c, s in sizes.items()), flush=True)
            results[name] = {"seconds": median, "ratio": ratio, "fastest": fastest, "megabytes": sizes}
    if args.json:
        with open(args.json, "w") as file:
            json.dump(results, file, indent=2)


if __name__ == "__main__":
    main()
