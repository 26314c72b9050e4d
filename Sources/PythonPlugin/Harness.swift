// Role: the Python program around a script: makes `df` and `kargs`, runs the script, checks and converts `result`.
//
// Descriptors: 0 the job (JSON: input, output, recorded, script, kargs), 3 the input and 4 the result as Parquet, 5 what it has to say, one JSON
// object. Datetime and timespan travel as ticks of 100 ns, decimal as text, dynamic as JSON text, so that nothing is rounded.
// Missing values: None, NaN, NaT and pd.NA are null (in strings the empty string).

extension PythonHost {
  /// The text of the program.
  static let harness = #"""
    import datetime, decimal, importlib, json, math, os, sys, traceback, types, uuid, zipfile

    def report(value):
        data = json.dumps(value).encode()
        while data:
            data = data[os.write(5, data):]
        os._exit(0)

    class Refusal(Exception):
        """Something that the script gives and its schema does not allow."""

    class DynamicString(str):
        """A string inside dynamic, which is no JSON text."""

    EPOCH = datetime.datetime(1970, 1, 1)
    FIRST, LAST = -621355968000000000, 2534023007999999999

    with os.fdopen(0, "rb") as stream:
        job = json.load(stream)
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    # --- the rows that the script gets -------------------------------------------------------------------------------------

    def from_ticks(column, name, kind):
        missing = np.array(column.is_null(), dtype=bool)
        ticks = np.array(column.fill_null(0), dtype=np.int64)
        if ((ticks > -92233720368547758) & (ticks < 92233720368547758)).all():
            values = (ticks * 100).view(kind + "8[ns]")
        elif (ticks % 10 == 0).all():
            values = (ticks // 10).view(kind + "8[us]")
        else:
            raise Refusal("column '%s' has values outside of what pandas holds to 100 ns (about 292 years around 1970); round them first: bin(%s, 1microsecond)" % (name, name))
        values[missing] = np.timedelta64("NaT") if kind == "m" else np.datetime64("NaT")
        return pd.Series(values)

    def from_dynamic(text):
        if text is None:
            return None
        value = json.loads(text)
        return DynamicString(value) if isinstance(value, str) else value

    def objects(values):
        out = np.empty(len(values), dtype=object)
        for i, value in enumerate(values):
            out[i] = value
        return pd.Series(out, dtype=object)

    def series(column, name, kind):
        if kind in ("datetime", "timespan"):
            return from_ticks(column, name, "m" if kind == "timespan" else "M")
        if kind == "real":
            return pd.Series(np.array(column.fill_null(float("nan")), dtype=np.float64))
        if kind in ("int", "long", "bool"):
            plain = {"int": np.int32, "long": np.int64, "bool": bool}[kind]
            if column.null_count == 0:
                return pd.Series(np.array(column, dtype=plain))
            if kind == "bool":
                return objects(column.to_pylist())
            missing = np.array(column.is_null(), dtype=bool)
            values = np.array(column.fill_null(0), dtype=np.int64)
            if ((values >= -2 ** 53) & (values <= 2 ** 53)).all():
                values = values.astype(np.float64)
                values[missing] = np.nan
                return pd.Series(values)
            return pd.Series(pd.arrays.IntegerArray(values, missing))
        values = column.to_pylist()
        if kind == "string":
            return objects(["" if value is None else value for value in values])
        if kind == "decimal":
            return objects([decimal.Decimal(value) if value else None for value in values])
        if kind == "dynamic":
            return objects([from_dynamic(value) for value in values])
        return objects(values)

    def read_input():
        table = pq.read_table(os.fdopen(3, "rb"))
        columns = {}
        for i, (name, kind) in enumerate(job["input"]):
            columns[name] = series(table.column(i).combine_chunks() if table.num_rows else table.column(i), name, kind)
        return pd.DataFrame(columns, columns=[name for name, _ in job["input"]], index=pd.RangeIndex(table.num_rows))

    # --- the rows that it gives --------------------------------------------------------------------------------------------

    def refuse(name, kind, row, value, why=None):
        raise Refusal("row %d of column '%s': %s is no %s%s" % (row, name, repr(value)[:80], kind, ": " + why if why else ""))

    def plain(value):
        """What JSON can say of a value."""
        if value is None or value is pd.NaT or value is pd.NA:
            return None
        if isinstance(value, (bool, str, int)):
            return value
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [plain(item) for item in value]
        if isinstance(value, np.ndarray):
            return [plain(item) for item in value.tolist()]
        if isinstance(value, (pd.Series, pd.Index)):
            return [plain(item) for item in value]
        if isinstance(value, pd.DataFrame):
            return [plain(item) for item in value.to_dict("records")]
        if isinstance(value, np.generic) and not isinstance(value, (np.datetime64, np.timedelta64)):
            return plain(value.item())
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, decimal.Decimal):
            return float(value) if value.is_finite() else None
        if isinstance(value, np.datetime64):
            return None if np.isnat(value) else str(value) + "Z"
        if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
            return value.isoformat()
        if isinstance(value, (uuid.UUID, bytes, datetime.timedelta, np.timedelta64)):
            return str(value)
        raise TypeError("%s has no form in JSON" % type(value).__name__)

    def no_constant(text):
        raise ValueError(text)

    def to_dynamic(value, name, row):
        if isinstance(value, str) and not isinstance(value, DynamicString):
            try:
                json.loads(value, parse_constant=no_constant)
                return value
            except (ValueError, RecursionError):
                pass
        try:
            return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            refuse(name, "dynamic", row, value, str(error))

    def to_bool(value, name, row):
        if isinstance(value, (bool, np.bool_)) or isinstance(value, (int, float, np.integer, np.floating)) and value in (0, 1):
            return bool(value)
        refuse(name, "bool", row, value)

    def to_integer(kind, low, high):
        def convert(value, name, row):
            try:
                if isinstance(value, (bool, int, np.integer, np.bool_)) or isinstance(value, (float, np.floating, decimal.Decimal)) and value == int(value):
                    if low <= int(value) <= high:
                        return int(value)
                    refuse(name, kind, row, value, "it is out of range")
            except (OverflowError, ValueError):
                pass
            refuse(name, kind, row, value)
        return convert

    def to_real(value, name, row):
        if isinstance(value, (bool, int, float, np.number, np.bool_, decimal.Decimal)):
            try:
                return float(value)
            except OverflowError:
                pass
        refuse(name, "real", row, value)

    def to_string(value, name, row):
        if isinstance(value, str):
            return str(value)
        if isinstance(value, (dict, list, tuple, np.ndarray)):
            return json.dumps(plain(value), ensure_ascii=False)
        return str(value)

    def to_guid(value, name, row):
        try:
            return str(value if isinstance(value, uuid.UUID) else uuid.UUID(value))
        except (ValueError, TypeError, AttributeError):
            refuse(name, "guid", row, value)

    def to_decimal(value, name, row):
        if isinstance(value, decimal.Decimal) and value.is_finite() or isinstance(value, (int, np.integer)):
            return str(value)
        if isinstance(value, (float, np.floating)) and math.isfinite(value):
            return repr(float(value))
        refuse(name, "decimal", row, value)

    def span_ticks(delta, name, kind, row, value):
        micros = delta.days * 86400000000 + delta.seconds * 1000000 + delta.microseconds
        return micros * 10

    def numpy_ticks(value, name, kind, row):
        unit, count = np.datetime_data(value.dtype)
        amount = int(value.astype(np.int64)) * count
        factor = {"D": 864000000000, "h": 36000000000, "m": 600000000, "s": 10000000, "ms": 10000, "us": 10}.get(unit)
        if factor is not None:
            return amount * factor
        if unit == "ns":
            if amount % 100:
                refuse(name, kind, row, value, "it is finer than 100 ns; use .dt.floor('100ns')")
            return amount // 100
        if unit in ("Y", "M", "W") and isinstance(value, np.datetime64):
            return int(value.astype("M8[D]").astype(np.int64)) * 864000000000
        refuse(name, kind, row, value)

    def to_datetime(value, name, row):
        if isinstance(value, str):
            try:
                value = pd.Timestamp(value)
            except ValueError:
                refuse(name, "datetime", row, value)
        if isinstance(value, pd.Timestamp):
            value = value.tz_convert("UTC").tz_localize(None).to_datetime64() if value.tzinfo else value.to_datetime64()
        elif isinstance(value, datetime.datetime):
            if value.tzinfo:
                value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
            value = np.datetime64(value, "us")
        elif isinstance(value, datetime.date):
            value = np.datetime64(value, "D")
        if not isinstance(value, np.datetime64):
            refuse(name, "datetime", row, value)
        ticks = numpy_ticks(value, name, "datetime", row)
        if not FIRST <= ticks <= LAST:
            refuse(name, "datetime", row, value, "it is out of range")
        return ticks

    def to_timespan(value, name, row):
        if isinstance(value, str):
            try:
                value = pd.Timedelta(value)
            except ValueError:
                refuse(name, "timespan", row, value)
        if isinstance(value, pd.Timedelta):
            value = value.to_timedelta64()
        elif isinstance(value, datetime.timedelta):
            value = np.timedelta64(value, "us")
        if not isinstance(value, np.timedelta64):
            refuse(name, "timespan", row, value)
        ticks = numpy_ticks(value, name, "timespan", row)
        if not -2 ** 63 <= ticks < 2 ** 63:
            refuse(name, "timespan", row, value, "it is out of range")
        return ticks

    KINDS = {
        "bool": (pa.bool_(), to_bool), "int": (pa.int32(), to_integer("int", -2 ** 31, 2 ** 31 - 1)), "long": (pa.int64(), to_integer("long", -2 ** 63, 2 ** 63 - 1)),
        "real": (pa.float64(), to_real), "string": (pa.string(), to_string), "guid": (pa.string(), to_guid), "decimal": (pa.string(), to_decimal),
        "datetime": (pa.int64(), to_datetime), "timespan": (pa.int64(), to_timespan), "dynamic": (pa.string(), to_dynamic),
    }

    def whole_column(column, kind):
        """Columns that convert at once; None: value by value."""
        dtype = column.dtype
        if not isinstance(dtype, np.dtype):
            return None
        values = column.to_numpy()
        if kind == "real" and dtype.kind in "fiub":
            values = values.astype(np.float64)
            return pa.array(values, mask=np.isnan(values))
        if kind == "bool" and dtype.kind == "b":
            return pa.array(values)
        if kind in ("int", "long") and dtype.kind in "iub":
            low, high = (-2 ** 31, 2 ** 31 - 1) if kind == "int" else (-2 ** 63, 2 ** 63 - 1)
            if len(values) == 0 or low <= int(values.min()) and int(values.max()) <= high:
                return pa.array(values.astype(np.int32 if kind == "int" else np.int64))
        if kind in ("datetime", "timespan") and dtype.kind == ("M" if kind == "datetime" else "m"):
            unit, count = np.datetime_data(dtype)
            missing = np.isnat(values)
            ticks = np.where(missing, 0, values.astype(np.int64))
            factor = {"s": 10000000, "ms": 10000, "us": 10, "ns": 1}.get(unit)
            if factor is None or count != 1:
                return None
            bound = (-FIRST if kind == "datetime" else 2 ** 62) // factor
            if unit == "ns":
                if (ticks % 100).any():
                    return None
                ticks = ticks // 100
            elif not ((ticks > -bound) & (ticks < bound)).all():
                return None
            else:
                ticks = ticks * factor
            return pa.array(ticks, mask=missing)
        return None

    def column_of(column, name, kind):
        at_once = whole_column(column, kind)
        if at_once is not None:
            return at_once
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(object)
        arrow, convert = KINDS[kind]
        values = []
        for row, value in enumerate(column):
            if value is None or value is pd.NaT or value is pd.NA or isinstance(value, (float, np.floating)) and value != value:
                values.append(None if kind != "string" else "")
            elif isinstance(value, (np.datetime64, np.timedelta64)) and np.isnat(value):
                values.append(None if kind != "string" else "")
            elif isinstance(value, decimal.Decimal) and value.is_nan():
                values.append(None if kind != "string" else "")
            else:
                values.append(convert(value, name, row))
        try:
            return pa.array(values, type=arrow)
        except (UnicodeEncodeError, pa.ArrowInvalid) as error:
            raise Refusal("column '%s': %s" % (name, error))

    def write_result(result):
        if isinstance(result, pd.Series):
            result = result.to_frame()
        if not isinstance(result, pd.DataFrame):
            raise Refusal("'result' is a %s, and a pandas DataFrame is needed" % type(result).__name__)
        wanted = [name for name, _ in job["output"]]
        found = list(result.columns)
        if found != wanted and len(found) == len(wanted) and not any(isinstance(name, str) for name in found):
            result = result.set_axis(wanted, axis=1)
            found = wanted
        missing = [name for name in wanted if name not in found]
        if missing:
            raise Refusal("'result' has no column %s; it has (%s), and the output schema is (%s)" % (
                ", ".join("'%s'" % name for name in missing), ", ".join(str(name) for name in found)[:400], ", ".join("%s: %s" % (n, k) for n, k in job["output"])))
        extra = [str(name) for name in found if name not in wanted]
        if extra:
            raise Refusal("'result' has columns that the output schema does not name: %s; leave them out: result = result[%r]" % (", ".join(extra)[:400], wanted[:20]))
        for name in wanted:
            if found.count(name) > 1:
                raise Refusal("'result' has two columns '%s'" % name)
        arrays, fields = [], []
        for name, kind in job["output"]:
            arrays.append(column_of(result[name], name, kind))
            fields.append(pa.field(name, KINDS[kind][0]))
        schema = pa.schema(fields, metadata={"kconnect.schema": job["recorded"]})
        with os.fdopen(4, "wb") as sink:
            pq.write_table(pa.Table.from_arrays(arrays, schema=schema), sink, compression="snappy", use_dictionary=True)

    # --- packages that come as artifacts -----------------------------------------------------------------------------------

    class Zipackage:
        @staticmethod
        def install(name):
            """Makes the packages of a zip file among the artifacts importable: wheels in it, or folders."""
            place = os.path.join(os.getcwd(), "Temp")
            match = [found for found in os.listdir(place) if found.lower() == name.lower()]
            if not match:
                raise FileNotFoundError("there is no artifact '%s'; there are: %s" % (name, ", ".join(sorted(os.listdir(place))) or "none"))
            target = os.path.join(os.getcwd(), "packages", match[0])
            with zipfile.ZipFile(os.path.join(place, match[0])) as archive:
                archive.extractall(target)
            for folder, _, files in os.walk(target):
                for file in files:
                    if file.endswith(".whl"):
                        with zipfile.ZipFile(os.path.join(folder, file)) as wheel:
                            wheel.extractall(target)
            sys.path.insert(0, target)
            importlib.invalidate_caches()

    sandbox_utils = types.ModuleType("sandbox_utils")
    sandbox_utils.Zipackage = Zipackage
    sys.modules["sandbox_utils"] = sandbox_utils

    # --- the script ----------------------------------------------------------------------------------------------------------

    def message(error):
        text = str(error)
        return "%s: %s" % (type(error).__name__, text) if text else type(error).__name__

    def main():
        try:
            df = read_input()
        except Refusal as error:
            report({"stage": "input", "message": str(error)})
        except MemoryError:
            report({"stage": "input", "message": "MemoryError", "memory": True})
        except Exception as error:
            report({"stage": "input", "message": message(error)[:4000]})
        lines = job["script"].split("\n")
        scope = {"__name__": "__main__", "__builtins__": __builtins__, "np": np, "pd": pd, "df": df, "kargs": job["kargs"]}
        try:
            exec(compile(job["script"], "<script>", "exec"), scope)
        except BaseException as error:
            line = error.lineno if isinstance(error, SyntaxError) and error.filename == "<script>" else None
            for frame in traceback.extract_tb(error.__traceback__):
                if frame.filename == "<script>":
                    line = frame.lineno
            text = message(error)
            if isinstance(error, SyntaxError):
                text = "%s: %s" % (type(error).__name__, error.msg)
            if isinstance(error, SystemExit):
                text = "the script called exit(%s)" % ("" if error.code is None else error.code)
            shown = lines[line - 1].strip() if line and line <= len(lines) else ""
            report({
                "stage": "script", "message": text[:4000], "line": line or 0, "source": shown[:400], "memory": isinstance(error, MemoryError),
                "permission": isinstance(error, PermissionError)})
        try:
            if "result" not in scope:
                raise Refusal("the script sets no 'result'; it is to be a pandas DataFrame")
            write_result(scope["result"])
        except Refusal as error:
            report({"stage": "result", "message": str(error)})
        except MemoryError:
            report({"stage": "result", "message": "MemoryError", "memory": True})
        except OSError as error:
            report({"stage": "result", "message": message(error), "large": error.errno == 27})
        except BaseException as error:
            report({"stage": "result", "message": message(error)[:4000]})
        report({"stage": "done"})

    main()
    """#
}
