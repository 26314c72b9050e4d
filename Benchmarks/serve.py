#!/usr/bin/env python3
"""Measures `kconnect serve`: streaming ingestion with durability on, point queries, and an answer of a million rows, with load client and server on
the same cores; the Python SDK's cost for the same beside it.

    Benchmarks/serve.py [--server PROGRAM] [--seconds N] [--connections N] [--rows N] [--tasks ingest,point,million] [--json FILE]

The load client (serve-load.c, compiled with `cc`) sends requests made beforehand over keep-alive connections. After the ingestion the server is
killed (-9) and the rows are counted by another process: they must be those acknowledged. The Python SDK is measured where the interpreter has
azure-kusto-data and azure-kusto-ingest (`--python`, else KCONNECT_PYTHON, else this one).
"""
import argparse, json, os, random, shutil, signal, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
ROWS_PER_REQUEST = 100
COLUMNS = "id:long, device:string, at:datetime, kind:int, temperature:real, humidity:real, ok:bool, place:string, note:string, span:timespan"


def row(i, rng):
    """One row of ten columns as CSV."""
    return (f"{i},device-{i % 500},2026-01-{1 + i % 28:02}T{i % 24:02}:{i % 60:02}:{i // 60 % 60:02}.{i % 1000:03}Z,{i % 7},{rng.random() * 40:.3f},"
            f"{rng.random() * 100:.2f},{'true' if i % 3 else 'false'},room {i % 40},the note of measurement {i},00:{i % 60:02}:00")


def as_json(line):
    """The same row as a JSON line, as SDKs send data frames."""
    v = line.split(",")
    return json.dumps({"id": int(v[0]), "device": v[1], "at": v[2], "kind": int(v[3]), "temperature": float(v[4]), "humidity": float(v[5]),
                       "ok": v[6] == "true", "place": v[7], "note": v[8], "span": v[9]}, separators=(",", ":"))


def request(target, body, content_type):
    return (f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


def write_requests(path, requests):
    with open(path, "wb") as f:
        for r in requests:
            f.write(b"%d\n" % len(r) + r)


class Server:
    """`kconnect serve` over a store, on a port of its choice."""

    def __init__(self, program, store):
        self.process = subprocess.Popen([program, "--store", store, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if "listens on" not in line: sys.exit(f"the server did not start: {line}")
        self.url = line.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def post(self, path, text):
        import urllib.request
        body = json.dumps({"db": "NetDefaultDB", "csl": text}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"})) as r:
            return json.loads(r.read())

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return {l.split(":")[0]: int(l.split()[1]) // 1024 for l in f if l.startswith(("VmRSS", "VmHWM"))}

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            v = f.read().rsplit(")", 1)[1].split()
        return (int(v[11]) + int(v[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        self.process.wait()


def load(client, port, connections, seconds, path):
    out = subprocess.run([client, str(port), str(connections), str(seconds), path], capture_output=True, text=True)
    if out.returncode: sys.exit(out.stderr)
    if out.stderr: print(out.stderr.strip(), file=sys.stderr)
    return json.loads(out.stdout)


def count(kconnect, store, text):
    out = subprocess.run([kconnect, "query", "--store", store, "--format", "json", text], capture_output=True, text=True)
    if out.returncode: sys.exit(out.stderr)
    return json.loads(out.stdout)["rows"][0]


def ingest(a, place, results):
    for form in ("csv", "json"):
        store = os.path.join(place, "ingest-" + form)
        server = Server(a.server, store)
        server.post("/v1/rest/mgmt", f".create table T ({COLUMNS})")
        rng = random.Random(1)
        requests = []
        for r in range(200):
            lines = [row(r * ROWS_PER_REQUEST + i, rng) for i in range(ROWS_PER_REQUEST)]
            body = "\n".join(lines if form == "csv" else map(as_json, lines)) + "\n"
            requests.append(request(f"/v1/rest/ingest/NetDefaultDB/T?streamFormat={form}", body.encode(), "application/octet-stream"))
        path = os.path.join(place, "requests")
        write_requests(path, requests)
        load(a.client, server.port, a.connections, 1, path)
        warm = server.post("/v1/rest/query", "T | count")["Tables"][0]["Rows"][0][0]
        cpu = server.cpu()
        m = load(a.client, server.port, a.connections, a.seconds, path)
        m["server CPU s"] = round(server.cpu() - cpu, 2)
        m["memory MB"] = server.memory()["VmHWM"]
        server.kill()
        rows = count(a.kconnect, store, "T | count")[0]
        expected = warm + m["good"] * ROWS_PER_REQUEST
        if m["good"] != m["answers"] or rows != expected: sys.exit(f"{form}: {m}, {rows} rows after kill -9, {expected} were acknowledged")
        m["requests/s"] = round(m["answers"] / m["seconds"])
        results[f"streaming ingestion, {form}, {len(requests[0]) // 1024} KB of {ROWS_PER_REQUEST} rows"] = m
        print(f"streaming ingestion, {form}: {m['requests/s']} requests/s, {m['requests/s'] * ROWS_PER_REQUEST} rows/s; p50 {m['p50']:.1f} ms, p99 {m['p99']:.1f} ms; "
              f"server {m['server CPU s']} s of CPU in {m['seconds']:.1f} s, {m['memory MB']} MB; after kill -9 all {rows} acknowledged rows are there, once")


def fill(a, store):
    """A store with a table of so many rows."""
    path = os.path.join(os.path.dirname(store), "rows.csv")
    rng = random.Random(2)
    with open(path, "w") as f:
        f.write(",".join(c.split(":")[0] for c in COLUMNS.split(", ")) + "\n")
        for i in range(a.rows): f.write(row(i, rng) + "\n")
    for text in (".create database NetDefaultDB", f".create table T ({COLUMNS})", f".ingest into table T ('{path}') with (format='csv', ignoreFirstRecord=true)"):
        out = subprocess.run([a.kconnect, "query", "--store", store, "--database", "NetDefaultDB", text], capture_output=True, text=True)
        if out.returncode and "exists already" not in out.stderr and not text.startswith(".create database"): sys.exit(out.stderr)
    os.remove(path)


def point(a, place, server, results):
    rng = random.Random(3)
    body = [json.dumps({"db": "NetDefaultDB", "csl": f"T | where id == {rng.randrange(a.rows)}"}).encode() for _ in range(500)]
    path = os.path.join(place, "requests")
    write_requests(path, [request("/v2/rest/query", b, "application/json") for b in body])
    load(a.client, server.port, 1, 1, path)
    for connections in (1, 8):
        m = load(a.client, server.port, connections, min(a.seconds, 5), path)
        if m["good"] != m["answers"]: sys.exit(f"point query: {m}")
        results[f"point query, {connections} connections"] = m
        print(f"point query over {a.rows} rows, {connections} connection{'s' * (connections > 1)}: p50 {m['p50']:.2f} ms, p99 {m['p99']:.2f} ms, {m['answers'] / m['seconds']:.0f}/s")


def million(a, place, server, results):
    path = os.path.join(place, "requests")
    write_requests(path, [request("/v2/rest/query", json.dumps({"db": "NetDefaultDB", "csl": "set notruncation; T"}).encode(), "application/json")])
    times = [load(a.client, server.port, 1, 0, path)["p50"] / 1000 for _ in range(3)]
    results["million rows, bytes alone"] = {"seconds": min(times), "rows/s": round(a.rows / min(times))}
    print(f"{a.rows} rows of 10 columns, the answer's bytes alone: {min(times):.2f} s, {a.rows / min(times) / 1e6:.2f} M rows/s")
    times = []
    for _ in range(3):
        began = time.time()
        out = subprocess.run([a.kconnect, "query", "--cluster", server.url, "--database", "NetDefaultDB", "set notruncation; T", "--format", "parquet", "--output", os.path.join(place, "out.parquet")], capture_output=True, text=True)
        times.append(time.time() - began)
        if out.returncode: sys.exit(out.stderr)
        os.remove(os.path.join(place, "out.parquet"))
    results["million rows, kconnect into Parquet"] = {"seconds": min(times), "rows/s": round(a.rows / min(times))}
    print(f"{a.rows} rows of 10 columns, kconnect query --cluster into Parquet, whole process: {min(times):.2f} s, {a.rows / min(times) / 1e6:.2f} M rows/s; server {server.memory()['VmHWM']} MB")


SDK = r"""
import io, json, sys, time
from azure.kusto.data import KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.helpers import dataframe_from_result_table
from azure.kusto.ingest import KustoStreamingIngestClient, IngestionProperties
from azure.kusto.data.data_format import DataFormat
url, rows, tasks = sys.argv[1], int(sys.argv[2]), sys.argv[3].split(",")
k = KustoConnectionStringBuilder(url)
c = KustoClient(k)
out = {}
if "point" in tasks:
    t = []
    for i in range(200):
        b = time.time(); r = c.execute("NetDefaultDB", f"T | where id == {i * 37 % rows}"); list(r.primary_results[0]); t.append(time.time() - b)
    out["point query ms"] = sorted(t)[100] * 1000
if "million" in tasks:
    b = time.time(); r = c.execute("NetDefaultDB", "set notruncation; T"); d = dataframe_from_result_table(r.primary_results[0]); out["million rows into pandas s"] = time.time() - b
    assert len(d) == rows
if "ingest" in tasks:
    c.execute_mgmt("NetDefaultDB", ".create table S (id:long, text:string)")
    i = KustoStreamingIngestClient(k)
    p = IngestionProperties("NetDefaultDB", "S", data_format=DataFormat.CSV)
    body = "".join(f"{n},text of {n}\n" for n in range(100)).encode()
    b = time.time(); n = 0
    while time.time() - b < 3: i.ingest_from_stream(io.BytesIO(body), p); n += 1
    out["streaming ingestion requests/s"] = n / (time.time() - b)
print(json.dumps(out))
"""


def sdk(a, server, results):
    python = a.python or os.environ.get("KCONNECT_PYTHON") or sys.executable
    out = subprocess.run([python, "-c", SDK, server.url, str(a.rows), a.tasks], capture_output=True, text=True)
    if out.returncode:
        print("the Python SDK was not measured:", out.stderr.strip().splitlines()[-1] if out.stderr.strip() else out.returncode)
        return
    results["Python SDK"] = m = json.loads(out.stdout)
    print("the Python SDK, one client:", ", ".join(f"{k} {v:.2f}" for k, v in m.items()))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--server", default=os.path.join(ROOT, ".build/release/kconnect-server"))
    p.add_argument("--kconnect", default=os.path.join(ROOT, ".build/release/kconnect"))
    p.add_argument("--python")
    p.add_argument("--seconds", type=float, default=10)
    p.add_argument("--connections", type=int, default=64)
    p.add_argument("--rows", type=int, default=1_000_000)
    p.add_argument("--tasks", default="ingest,point,million")
    p.add_argument("--directory", help="where the stores are made; default: the temporary directory")
    p.add_argument("--json")
    a = p.parse_args()
    place = tempfile.mkdtemp(prefix="kconnect-serve-", dir=a.directory)
    try:
        a.client = os.path.join(place, "serve-load")
        subprocess.run(["cc", "-O2", "-o", a.client, os.path.join(HERE, "serve-load.c")], check=True)
        results = {}
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        if "ingest" in a.tasks: ingest(a, place, results)
        store = os.path.join(place, "store")
        if "point" in a.tasks or "million" in a.tasks: fill(a, store)
        server = Server(a.server, store)
        if "point" in a.tasks: point(a, place, server, results)
        if "million" in a.tasks: million(a, place, server, results)
        sdk(a, server, results)
        server.stop()
        if a.json:
            with open(a.json, "w") as f: json.dump(results, f, indent=1)
    finally:
        shutil.rmtree(place, ignore_errors=True)


main()
