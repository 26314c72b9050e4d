"""Judges of Delta tables. `golden FILE`: each line `table<TAB>parquet` is compared with what deltalake's SQL reader gives.
`written TABLE PARQUET`: deltalake and Polars must read TABLE as the rows of PARQUET. One line per difference."""
import base64, datetime, decimal, json, math, sys
import pyarrow as pa, pyarrow.compute as pc, pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder


def equal(ours, theirs):
    if ours is None or theirs is None: return ours is None and theirs is None
    if isinstance(theirs, bytes):
        return ours == theirs.decode(errors="replace") or base64.b64decode(ours) == theirs
    if isinstance(ours, str) and not isinstance(theirs, str):
        return equal_json(json.loads(ours), theirs)
    if isinstance(ours, datetime.datetime):
        if type(theirs) is datetime.date: theirs = datetime.datetime(theirs.year, theirs.month, theirs.day)
        return ours.replace(tzinfo=None) == theirs.replace(tzinfo=None)
    if isinstance(ours, bool) or isinstance(theirs, bool): return ours is theirs
    if isinstance(ours, decimal.Decimal) or isinstance(theirs, decimal.Decimal): return decimal.Decimal(ours) == decimal.Decimal(theirs)
    if isinstance(ours, float): return math.isnan(ours) and math.isnan(theirs) or abs(ours - theirs) <= 1e-6 * max(1, abs(ours))
    return ours == theirs


def equal_json(ours, theirs):
    if isinstance(theirs, list) and theirs and isinstance(theirs[0], tuple):
        if isinstance(ours, list): theirs = [{"key": k, "value": v} for k, v in theirs]
        else: theirs = dict(theirs)
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return len(ours) == len(theirs) and all(equal_json(ours.get(name(k, ours)), v) for k, v in theirs.items())
    if isinstance(theirs, list) and isinstance(ours, list): return len(ours) == len(theirs) and all(map(equal_json, ours, theirs))
    if isinstance(theirs, (datetime.date, bytes)): return isinstance(ours, str)
    if isinstance(theirs, decimal.Decimal): return decimal.Decimal(str(ours)) == theirs
    if isinstance(theirs, float) and isinstance(ours, (int, float)): return abs(ours - theirs) <= 1e-6 * max(1, abs(theirs))
    return ours == theirs


def name(key, bag):
    """The text a map's key has in a bag."""
    if str(key) in bag or not isinstance(key, (float, decimal.Decimal)): return str(key).lower() if isinstance(key, bool) else str(key)
    return str(int(key)) if key == int(key) else str(key)


def key(value, nested=False):
    """What rows are sorted by: the same text for equal values of both sides."""
    if value is None: return "0"
    if isinstance(value, bool): return f"b{value}"
    if isinstance(value, bytes): value = value.decode(errors="replace")
    if isinstance(value, str) and value[:1] in "[{" and not nested:
        try: value = json.loads(value)
        except ValueError: pass
    if isinstance(value, str) and nested:
        if value[4:5] == "-": return ""
        try: value = float(value)
        except ValueError: pass
    if isinstance(value, (int, float, decimal.Decimal)): return f"1{float(value):.5e}"
    if isinstance(value, datetime.date):
        if nested: return ""
        return (value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else datetime.datetime(value.year, value.month, value.day)).isoformat()
    if isinstance(value, list) and value and isinstance(value[0], tuple): return ""
    if isinstance(value, list): return ",".join(key(v, True) for v in value)
    if isinstance(value, dict): return ",".join(key(v, True) for _, v in sorted(value.items()))
    return value


def rows(table):
    names = sorted(table.column_names)
    columns = [table.column(n).to_pylist() for n in names]
    return names, sorted(zip(*columns), key=lambda r: [key(v) for v in r])


def difference(ours, theirs):
    if ours.num_rows == theirs.num_rows > 20_000: return sums(ours, theirs)
    (names, a), (others, b) = rows(ours), rows(theirs)
    if names != others: return f"columns {names} and {others}"
    if len(a) != len(b): return f"{len(a)} rows and {len(b)}"
    for x, y in zip(a, b):
        for name, u, v in zip(names, x, y):
            if not equal(u, v): return f"{name}: {u!r} and {v!r}"
    return None


def sums(ours, theirs):
    """Large tables: the sums of numbers, the counts of values."""
    for column in ours.column_names:
        a, b = ours.column(column), theirs.column(column)
        if a.null_count != b.null_count: return f"{column}: {a.null_count} and {b.null_count} nulls"
        if not (pa.types.is_integer(a.type) or pa.types.is_floating(a.type) or pa.types.is_decimal(a.type)): continue
        x, y = (float(pc.sum(pc.cast(c, pa.float64())).as_py() or 0) for c in (a, b))
        if abs(x - y) > 1e-9 * max(1, abs(x)): return f"{column}: sums {x} and {y}"
    return None


def sql(path):
    return pa.table(QueryBuilder().register("t", DeltaTable(path)).execute("select * from t").read_all())


if sys.argv[1] == "golden":
    for line in open(sys.argv[2]):
        path, mine = line.rstrip("\n").split("\t")
        try: theirs = sql(path)
        except BaseException as error: theirs = None
        if theirs is None:
            print(f"only-ours {path}" if mine else f"neither {path}")
        elif not mine: print(f"only-theirs {path}")
        else:
            found = difference(pq.read_table(mine), theirs)
            print(f"differs {path}: {found}" if found else f"equal {path}")
else:
    import polars
    ours = pq.read_table(sys.argv[3])
    for name, theirs in [("deltalake", sql(sys.argv[2])), ("polars", polars.read_delta(sys.argv[2]).to_arrow())]:
        found = difference(ours, theirs)
        print(f"{name} differs: {found}" if found else f"{name} equal")
