"""Kqlmagic in an IPython shell of its own against a running server: kqlmagic.py URL. Prints one line per check; exits 1 at the first that fails."""
import os, sys, tempfile
home = tempfile.mkdtemp()
os.environ.update(HOME=home, IPYTHONDIR=home, MPLCONFIGDIR=home, KQLMAGIC_NOTEBOOK_APP="ipython", KQLMAGIC_LOAD_MODE="silent", KQLMAGIC_CONFIGURATION="check_magic_version=False;show_what_new=False;show_init_banner=False;warn_missing_dependencies=False;auto_popup_schema=False;popup_interaction='webbrowser_open_at_kernel'")
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

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


def result_of(text):
    """What the magic gives where it stands in an assignment: shown results are suppressed."""
    run("_magic_ = %kql " + text)
    return shell.user_ns["_magic_"]


def frame(text):
    return result_of(text).to_dataframe()


result = frame("range x from 1 to 10 step 1 | extend s = strcat('n', x), t = datetime(2024-01-31), y = dynamic(null)")
check("connects and queries", len(result) == 10, result)
check("columns", list(result.columns) == ["x", "s", "t", "y"] and int(result.x.sum()) == 55 and result.s[9] == "n10" and result.t[0].year == 2024, result)
run("%kql .create-merge table Magic (a:long, s:string)")
run("%kql .clear table Magic data")
run("%kql .ingest inline into table Magic <| 1,x")
rows = frame("Magic | project a, s")
check("commands", len(rows) == 1 and rows.s[0] == "x", rows)
tables = frame(".show tables | where TableName == 'Magic' | project TableName")
check("piped commands", list(tables.TableName) == ["Magic"], tables)
value = frame("-query_properties={'request_readonly':True} print v = 7 + 1")
check("request properties", int(value.v[0]) == 8, value)
schema = result_of("--schema")
check("schema", "Magic" in str(schema), schema)
chart = result_of("range x from 1 to 3 step 1 | render timechart with (title='T')")
check("render", chart.visualization == "timechart" and len(chart) == 3, chart)
with capture_output() as shown:
    failed = shell.run_cell("_magic_ = %kql Magic | where nope == 1")
said = f"{failed.error_in_exec} {failed.error_before_exec} {shown.stdout} {shown.stderr} {[output.data for output in shown.outputs]} {shell.user_ns.get('_magic_')}"
check("errors", "nope" in said and "Semantic" in said, said)
