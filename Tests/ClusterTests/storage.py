"""Azure storage on a wire: kconnect against the server's own blob endpoint, with azure-storage-blob as the judge of both: of the server, which has
to answer it, and of kconnect's signatures, which have to be its own to the byte. A proxy between them injects failures."""

import base64
import datetime
import http.client
import json
import os
import subprocess
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

try:
    import deltalake
    import pyarrow.parquet
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError
    from azure.core.pipeline import PipelineContext, PipelineRequest
    from azure.core.pipeline.transport import HttpRequest
    from azure.storage.blob import BlobServiceClient, generate_blob_sas, generate_container_sas
    from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
except ImportError as missing:
    print(f"missing: {missing}")
    sys.exit(77)

from support import check, expect, judge

ACCOUNT = "devstoreaccount1"
KEY = base64.b64encode(bytes(range(64))).decode()


def authorization(method, url, headers):
    """What azure-storage-blob would put into the header for the same request."""
    request = HttpRequest(method, url, headers={k: v for k, v in headers.items() if k.lower() != "authorization"})
    SharedKeyCredentialPolicy(ACCOUNT, KEY).on_request(PipelineRequest(request, PipelineContext(None)))
    return request.headers["Authorization"]


class Proxy(ThreadingHTTPServer):
    """Between kconnect and the server: compares signatures and misbehaves as `fault` says."""
    daemon_threads = True

    def __init__(self, upstream):
        self.upstream = urllib.parse.urlsplit(upstream).netloc
        self.compared, self.wrong, self.requests = 0, [], []
        self.fault, self.page = None, None
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def handle_any(self):
        proxy = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers, path = dict(self.headers.items()), self.path
        signed = headers.get("Authorization")
        if signed:
            wanted = authorization(self.command, proxy.url + path, headers)
            proxy.compared += 1
            if wanted != signed:
                proxy.wrong.append((self.command, path, signed, wanted))
        proxy.requests.append((self.command, path, headers))
        if proxy.page and "maxresults=" in path:
            parts = [p if not p.startswith("maxresults=") else f"maxresults={proxy.page}" for p in path.split("&")]
            path = "&".join(parts).replace("?maxresults", "?x&maxresults")
            if signed:
                headers["Authorization"] = authorization(self.command, proxy.url + path, headers)
        fault = proxy.fault(self.command, path) if proxy.fault else None
        if fault == "drop":
            self.close_connection = True
            self.connection.shutdown(2)
            return
        if isinstance(fault, int):
            return self.reply(fault, {}, b"")
        connection = http.client.HTTPConnection(proxy.upstream)
        connection.request(self.command, path, body, {k: v for k, v in headers.items() if k.lower() not in ("host", "connection")})
        answer = connection.getresponse()
        data = answer.read()
        if fault == "lost":
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.reply(answer.status, dict(answer.getheaders()), data, half=fault == "half")
        connection.close()

    def reply(self, status, headers, data, half=False):
        self.send_response(status)
        length = headers.get("Content-Length", str(len(data))) if self.command == "HEAD" else str(len(data))
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[:len(data) // 2] if half else data)
        if half:
            self.close_connection = True

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any


def once(method, text, fault):
    """A fault for the first matching request alone."""
    done = []

    def decide(command, path):
        if command == method and text in path and not done:
            done.append(path)
            return fault
        return None
    return decide


def storage(place):
    place.variables |= {"STORAGE_KEY": KEY, "WRONG_KEY": base64.b64encode(b"another key").decode()}
    url = place.serve("--listen", "127.0.0.1:0", "--storage-key", "env:STORAGE_KEY")
    proxy = Proxy(url)
    account = f"{url}/{ACCOUNT}"
    service = BlobServiceClient(account, credential=KEY)
    lake = service.get_container_client("lake")
    key = ["-o", "storageAccountKey=env:STORAGE_KEY"]
    through = f"{proxy.url}/{ACCOUNT}"

    # The official client against the server.
    def official():
        lake.create_container()
        blob = lake.get_blob_client("a b/ü.txt")
        blob.upload_blob(b"hello", overwrite=True)
        expect(blob.download_blob().readall(), b"hello")
        expect([b.name for b in lake.list_blobs(name_starts_with="a b/")], ["a b/ü.txt"])
        try:
            blob.upload_blob(b"again", overwrite=False)
            raise AssertionError("it was overwritten")
        except ResourceExistsError:
            pass
        expect(blob.download_blob(offset=1, length=3).readall(), b"ell")
        big = os.urandom(9 << 20)
        blocks = BlobServiceClient(account, credential=KEY, max_single_put_size=1 << 20, max_block_size=1 << 20).get_blob_client("lake", "big")
        blocks.upload_blob(big, overwrite=True)
        expect(blocks.download_blob().readall() == big, True)
        blob.delete_blob()
        blocks.delete_blob()
        expect(list(lake.list_blobs()), [])

    check("azure-storage-blob uses the server's blobs", official)

    def official_sas():
        lake.get_blob_client("s").upload_blob(b"x", overwrite=True)
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        good = generate_container_sas(ACCOUNT, "lake", KEY, permission="rl", expiry=end)
        reader = BlobServiceClient(account, credential=good).get_container_client("lake")
        expect([b.name for b in reader.list_blobs()], ["s"])
        refused = {
            "to write": lambda: reader.get_blob_client("t").upload_blob(b"x"),
            "after its end": lambda: list(BlobServiceClient(account, credential=generate_container_sas(
                ACCOUNT, "lake", KEY, permission="rl", expiry=end - datetime.timedelta(hours=2))).get_container_client("lake").list_blobs()),
            "for another container": lambda: list(BlobServiceClient(account, credential=good).get_container_client("other").list_blobs()),
            "with more rights": lambda: list(BlobServiceClient(account, credential=good.replace("sp=rl", "sp=racwdl")).get_container_client("lake").list_blobs()),
            "for the blobs of ingestion": lambda: list(BlobServiceClient(account, credential=good).get_container_client("tmp").list_blobs()),
            "of a blob for another": lambda: BlobServiceClient(account, credential=generate_blob_sas(
                ACCOUNT, "lake", "s", account_key=KEY, permission="r", expiry=end)).get_blob_client("lake", "u").download_blob(),
            "by a wrong key": lambda: list(BlobServiceClient(account, credential=place.variables["WRONG_KEY"]).get_container_client("lake").list_blobs()),
        }
        for what, body in refused.items():
            try:
                body()
            except (ClientAuthenticationError, HttpResponseError) as error:
                expect((what, error.status_code), (what, 403))
                continue
            raise AssertionError(f"{what}: it was not refused")
        lake.get_blob_client("s").delete_blob()

    check("signatures (SAS) allow what they say", official_sas)

    # kconnect.
    rows = [[i, f"name {i} ü'\"", i % 3 == 0] for i in range(1_000)]
    place.path("in.csv", "i,s,b\n" + "".join(f'{i},"{s.replace(chr(34), chr(34) * 2)}",{str(b).lower()}\n' for i, s, b in rows))
    sas = {"SAS": generate_container_sas(ACCOUNT, "lake", KEY, permission="rwlcd", expiry=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1))}
    forms = {
        "https and account key": (lambda name: f"{through}/lake/{name}", key),
        "wasbs and account key": (lambda name: f"wasbs://lake@{ACCOUNT}.blob.core.windows.net/w/{name}", [*key, "-o", f"blobEndpoint={through}"]),
        "abfss and account key": (lambda name: f"abfss://lake@{ACCOUNT}.dfs.core.windows.net/f/{name}", [*key, "-o", f"blobEndpoint={through}"]),
        "https and SAS": (lambda name: f"{through}/lake/s/{name}", ["-o", "sas=env:SAS"]),
    }

    def round_trip(locate, options, kind, name):
        target = f"{kind}:{locate(name)}"
        place.run("write", "--from", "in.csv", "--to", target, *options, **sas)
        expect(place.rows("read", target, *options, "--query", "order by i asc", **sas), rows)

    for form, (locate, options) in forms.items():
        for kind, name in [("csv", "a.csv"), ("json", "a.json"), ("parquet", "a.parquet"), ("parquet", "parts"), ("delta", "table")]:
            check(f"{kind} {name} by {form}", lambda lo=locate, op=options, k=kind, n=name: round_trip(lo, op, k, n))

    def signatures():
        if proxy.wrong:
            raise AssertionError(f"{len(proxy.wrong)} of {proxy.compared}: {proxy.wrong[0]}")
        if proxy.compared < 50:
            raise AssertionError(f"only {proxy.compared} requests were compared")

    check("every signature is that of azure-storage-blob", signatures)
    check("a wrong key", lambda: place.fails("storageAccountKey", "read", f"csv:{through}/lake/a.csv", "-o", "storageAccountKey=env:WRONG_KEY"))
    check("a right too few", lambda: place.fails("SAS", "write", "--from", "in.csv", "--to", f"csv:{through}/lake/no.csv", "-o", "sas=env:SAS",
                                                SAS=sas["SAS"].replace("sp=rwlcd", "sp=r")))

    def listing():
        for i in range(7):
            lake.get_blob_client(f"many/{i}.csv").upload_blob(f"i,s\n{i},x\n", overwrite=True)
        proxy.page = 2
        before = len(proxy.requests)
        expect(place.rows("read", f"csv:{through}/lake/many", *key, "--query", "summarize n = count(), t = sum(i)"), [[7, 21]])
        proxy.page = None
        if sum("comp=list" in path for _, path, _ in proxy.requests[before:]) < 4:
            raise AssertionError("the listing did not come in pages")

    check("a listing in pages", listing)

    def blocks():
        # 40 MB of digits: several blocks, then ranges.
        place.run("query", "range i from 1 to 2500000 step 1 | extend s = tostring(hash(i))", "--output", "big.parquet")
        before = len(proxy.requests)
        place.run("write", "--from", "big.parquet", "--to", f"parquet:{through}/lake/big.parquet", *key)
        count = sum(command == "PUT" and "comp=block&" in path for command, path, _ in proxy.requests[before:])
        if count < 3:
            raise AssertionError(f"{count} blocks")
        before = len(proxy.requests)
        expect(place.rows("read", f"parquet:{through}/lake/big.parquet", *key, "--query", "summarize count(), sum(i)"), [[2_500_000, 2_500_000 * 2_500_001 // 2]])
        got = [headers for command, path, headers in proxy.requests[before:] if command == "GET" and "big.parquet" in path]
        if not got or any("x-ms-range" not in h for h in got):
            raise AssertionError("it was not read by ranges")

    check("blocks up and ranges down", blocks)

    # Failures.
    summed = ["read", f"parquet:{through}/lake/a.parquet", *key, "--query", "summarize sum(i)"]
    for name, method, text, fault in [
        ("503 of a read", "GET", "a.parquet", 503), ("500 of a read", "GET", "a.parquet", 500), ("429 of a look-up", "HEAD", "a.parquet", 429),
        ("half an answer", "GET", "a.parquet", "half"), ("a dropped connection", "GET", "a.parquet", "drop"),
    ]:
        def read(method=method, text=text, fault=fault):
            proxy.fault = once(method, text, fault)
            expect(place.rows(*summed), [[499_500]])
        check(f"{name} is tried again", read)
    for name, text, fault in [("503 of a block", "comp=block&", 503), ("a lost answer to a block", "comp=block&", "lost"), ("500 of the list of blocks", "comp=blocklist", 500)]:
        def write(text=text, fault=fault):
            proxy.fault = once("PUT", text, fault)
            place.run("write", "--from", "in.csv", "--to", f"parquet:{through}/lake/again.parquet", "--mode", "overwrite", *key)
            expect(place.rows("read", f"parquet:{through}/lake/again.parquet", *key, "--query", "summarize count(), sum(i)"), [[1000, 499_500]])
        check(f"{name} is tried again", write)

    def changed():
        content = lake.get_blob_client("big.parquet").download_blob().readall()
        seen = []

        def swap(command, path):
            if command == "GET" and "big.parquet" in path:
                seen.append(path)
                if len(seen) == 2:
                    lake.get_blob_client("big.parquet").upload_blob(content[:-1] + b"1", overwrite=True)
            return None
        proxy.fault = swap
        place.fails("changed while it was read", "read", f"parquet:{through}/lake/big.parquet", *key, "--query", "summarize sum(i), max(s)")
        proxy.fault = None

    check("a blob that changes while it is read", changed)
    proxy.fault = None

    # Delta.
    table = f"delta:{through}/lake/events"

    def copy_of_table(prefix):
        folder = place.path(f"copy-{prefix}")
        for blob in lake.list_blobs(name_starts_with=prefix + "/"):
            place.path(os.path.join(f"copy-{prefix}", blob.name[len(prefix) + 1:]), lake.get_blob_client(blob.name).download_blob().readall())
        return folder

    def delta_table():
        for mode in ["error", "append", "append"]:
            place.run("write", "--from", "in.csv", "--to", table, "--mode", mode, *key)
        expect(place.rows("read", table, *key, "--query", "summarize count(), sum(i)"), [[3_000, 3 * 499_500]])
        expect(place.rows("read", table, *key, "-o", "versionAsOf=1", "--query", "count"), [[2_000]])
        other = deltalake.DeltaTable(copy_of_table("events"))
        expect((other.version(), other.to_pyarrow_table().num_rows), (2, 3_000))
        place.run("write", "--from", "in.csv", "--to", table, "--mode", "overwrite", *key)
        expect(place.rows("read", table, *key, "--query", "count"), [[1_000]])
        place.fails("exists already", "write", "--from", "in.csv", "--to", table, *key)

    check("a delta table, judged by deltalake", delta_table)

    def race():
        target = f"delta:{through}/lake/race"
        place.run("write", "--from", "in.csv", "--to", target, *key)
        writers = [place.start("write", "--from", "in.csv", "--to", target, "--mode", "append", *key) for _ in range(6)]
        for writer in writers:
            out, errors = writer.communicate(timeout=300)
            expect((writer.returncode, errors if writer.returncode else ""), (0, ""))
        expect(place.rows("read", target, *key, "--query", "summarize count(), sum(i)"), [[7_000, 7 * 499_500]])
        expect(deltalake.DeltaTable(copy_of_table("race")).version(), 6)
        puts = [h for command, path, h in proxy.requests if command == "PUT" and "_delta_log" in path and "comp=blocklist" in path]
        if not puts or any(h.get("If-None-Match") != "*" for h in puts):
            raise AssertionError("a commit was not put if absent")

    check("six writers of a delta table", race)

    def lost():
        target = f"delta:{through}/lake/lost"
        place.run("write", "--from", "in.csv", "--to", target, *key)
        for fault in ["lost", 503, "drop"]:
            proxy.fault = lambda command, path, f=once("PUT", "comp=blocklist", fault): f(command, path) if "_delta_log" in path else None
            place.run("write", "--from", "in.csv", "--to", target, "--mode", "append", *key)
        proxy.fault = None
        expect(place.rows("read", target, *key, "--query", "summarize count(), sum(i)"), [[4_000, 4 * 499_500]])

    check("a commit whose answer is lost counts once", lost)

    def checkpoints():
        target = f"delta:{through}/lake/long"
        for n in range(12):
            place.run("write", "--from", "in.csv", "--to", target, "--mode", "append", "--limit", "1", *key)
        names = [b.name for b in lake.list_blobs(name_starts_with="long/_delta_log/")]
        if not any("checkpoint.parquet" in n for n in names):
            raise AssertionError(str(names))
        expect(place.rows("read", target, *key, "--query", "count"), [[12]])
        expect(deltalake.DeltaTable(copy_of_table("long")).to_pyarrow_table().num_rows, 12)

    check("checkpoints of a delta table", checkpoints)
    check("nothing is left in the temporary directory", lambda: expect([n for n in os.listdir(place.variables["TMPDIR"]) if n.startswith("kconnect-delta-")], []))

    def silent():
        text = "\n".join(place.seen)
        for secret in [KEY, sas["SAS"].split("sig=")[1][:20]]:
            if secret in text:
                raise AssertionError("a secret was shown")

    check("no secret was shown by any of the runs", silent)


if __name__ == "__main__":
    judge(storage)
