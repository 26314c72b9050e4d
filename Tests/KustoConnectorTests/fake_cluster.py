"""A cluster of a few lines that misbehaves on request: the query's first word says how. Prints its port."""
import functools, gzip, io, json, re, sys, threading, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

seen = {}
files = {}
lock = threading.Lock()


@functools.cache
def answer(rows):
    frames = [
        {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"},
        {"FrameType": "DataTable", "TableId": 1, "TableKind": "PrimaryResult", "TableName": "PrimaryResult",
         "Columns": [{"ColumnName": "n", "ColumnType": "long"}, {"ColumnName": "s", "ColumnType": "string"}],
         "Rows": [[i, "row %d" % i] for i in range(rows)]},
        {"FrameType": "DataSetCompletion", "HasErrors": False, "Cancelled": False}]
    return json.dumps(frames).encode()


def table(columns, rows):
    return json.dumps({"Tables": [{"TableName": "Table_0", "Columns": [{"ColumnName": n, "ColumnType": t} for n, t in columns], "Rows": rows}]}).encode()


def parquet(rows):
    import pyarrow, pyarrow.parquet
    out = io.BytesIO()
    columns = {"n": list(range(rows)), "p": ["00:00:%02d" % (i % 60) for i in range(rows)]}
    pyarrow.parquet.write_table(pyarrow.table(columns), out)
    return out.getvalue()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, body, headers=(), length=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        name, _, query = self.path.partition("?")
        # By a signature, an account's key, or the caller's token.
        isAllowed = "sig=secret" in query or self.headers.get("Authorization", "").startswith(("SharedKey ", "Bearer T"))
        body = files.get(name) if isAllowed else None
        self.reply(200 if body else 404, body or b"")

    def do_HEAD(self):
        if self.path == "/bodied":
            # A page behind an answer that has none.
            return self.reply(500, b"an error that nobody asked for")
        body = files.get(self.path.partition("?")[0])
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()

    def do_DELETE(self):
        with lock:
            seen["files removed"] = seen.get("files removed", 0) + (files.pop(self.path.partition("?")[0], None) is not None)
        self.reply(202, b"")

    def run_command(self, text):
        if text.startswith(".export async"):
            roots = [re.split("[?;]", root)[0] for _, root in re.findall(r"h([\"'])(.*?)\1", text)]
            with lock:
                seen["export"] = text
                seen["paths"] = ["%s/part%d.parquet" % (roots[i % len(roots)], i) for i in range(3)]
                files.update({urllib.parse.urlsplit(path).path: parquet(1_000 * (i + 1)) for i, path in enumerate(seen["paths"])})
            return table([("OperationId", "guid")], [["74be27de-1e4e-49d9-b579-fe0b331d3642"]])
        if text.startswith(".show operations"):
            return table([("State", "string"), ("Status", "string"), ("ShouldRetry", "bool")], [["Completed", "", False]])
        return table([("Path", "string"), ("NumRecords", "long")], [[path, 1] for path in seen["paths"]])

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/rest/mgmt":
            return self.reply(200, self.run_command(request["csl"]))
        word, _, rest = request["csl"].partition(" ")
        with lock:
            count = seen[request["csl"]] = seen.get(request["csl"], 0) + 1
        error = lambda permanent: json.dumps({"error": {"code": "X", "message": "m", "@message": word, "@permanent": permanent}}).encode()
        if word == "exported":
            frames = json.loads(answer(0))
            frames[1]["Columns"] = [{"ColumnName": "n", "ColumnType": "long"}, {"ColumnName": "p", "ColumnType": "timespan"}]
            self.reply(200, json.dumps(frames).encode())
        elif word == "deleted":
            self.reply(200, answer(seen.get("files removed", 0)))
        elif word == "rows":
            self.reply(200, answer(int(rest)))
        elif word == "gzip":
            self.reply(200, gzip.compress(answer(int(rest))), [("Content-Encoding", "gzip")])
        elif word == "drop":
            body = answer(50_000)
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            half = body[:len(body) // 2]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(half), half))
            self.close_connection = True
        elif word == "length":
            self.reply(200, answer(10), length=len(answer(10)) + 100)
            self.close_connection = True
        elif word == "truncated":
            self.reply(200, answer(10)[:-40])
        elif word == "early" and count == 1:
            self.reply(200, answer(10)[:30])
        elif word == "throttled" and count == 1:
            self.reply(429, error(False), [("Retry-After", "3")])
        elif word == "broken" and count < 3:
            self.reply(500, error(False))
        elif word == "permanent":
            self.reply(500, error(True))
        elif word == "slow":
            time.sleep(30)
        elif word == "late":
            time.sleep(2.5)
            self.reply(200, answer(int(rest)))
        elif word == "vanish":
            self.close_connection = True
        elif word == "times":
            self.reply(200, answer(seen.get(rest, 0)))
        elif word == "redirect":
            self.reply(302, b"", [("Location", "http://127.0.0.1:1/")])
        elif word == "peer":
            port = self.client_address[1]
            body = answer(0).replace(b'"Rows": []', b'"Rows": [[%d, "port"]]' % port)
            self.reply(200, body)
        else:
            self.reply(200, answer(1))


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
