"""Kqlmagic in an IPython shell of its own against a running server: kqlmagic.py URL. Prints one line per check; exits 1 at the first that fails."""
import os, sys, tempfile
home = tempfile.mkdtemp()
os.environ.update(HOME=home, IPYTHONDIR=home, MPLCONFIGDIR=home, KQLMAGIC_NOTEBOOK_APP="ipython", KQLMAGIC_LOAD_MODE="silent", KQLMAGIC_CONFIGURATION="check_magic_version=False;show_what_new=False;show_init_banner=False;warn_missing_dependencies=False")
from IPython.core.interactiveshell import InteractiveShell

url = sys.argv[1]
shell = InteractiveShell.instance()


def run(line):
    result = shell.run_cell(line)
    if result.error_in_exec or result.error_before_exec:
        raise AssertionError(f"{line}: {result.error_in_exec or result.error_before_exec}")
    return result.result


def check(name, condition, shown=""):
    if not condition:
        print(f"FAILED {name}: {shown}", flush=True)
        sys.exit(1)
    print(f"ok {name}", flush=True)


run("%reload_ext Kqlmagic")
run("%config Kqlmagic.short_errors = False")
run(f"%kql kusto://cluster('{url}').database('NetDefaultDB').alias('here').anonymous()")
result = run("%kql here@NetDefaultDB -pd range x from 1 to 10 step 1 | extend s = strcat('n', x), t = datetime(2024-01-31), y = dynamic({'a': 1})")
check("connects and queries", result is not None and len(result) == 10, result)
check("columns", list(result.columns) == ["x", "s", "t", "y"] and int(result.x.sum()) == 55 and result.s[9] == "n10" and result.t[0].year == 2024, result)
table = run("%kql print a = 1, b = 'text'")
check("a result of its own", table.fetchall()[0][0] == 1 and table.columns_name == ["a", "b"] if hasattr(table, "fetchall") else table[0]["b"] == "text", table)
run("%kql .create table Magic (a:long, s:string)")
run("%kql .ingest inline into table Magic <| 1,x")
rows = run("%kql -pd Magic | project a, s")
check("commands", len(rows) == 1 and rows.s[0] == "x", rows)
n = 7
shell.user_ns["n"] = 7
value = run("%kql -pd -params {'n': 7} declare query_parameters(n:long); print v = n + 1")
check("query parameters", int(value.v[0]) == 8, value)
schema = run("%kql --schema here@NetDefaultDB -conn=here")
check("schema", "Magic" in str(schema), schema)
chart = run("%kql -popup_window=False range x from 1 to 3 step 1 | render timechart with (title='T')")
check("render", chart is not None and len(chart) == 3, chart)
failed = shell.run_cell("%kql -se=False Magic | where nope == 1")
check("errors", failed.error_in_exec is not None and "nope" in str(failed.error_in_exec), failed.error_in_exec)
