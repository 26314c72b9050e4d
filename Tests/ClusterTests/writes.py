"""Writes to a cluster: rights asked for before anything is changed, parts within their limit in bytes, repeated messages, orphans, writes that count
once, writes behind the call, failures of the cluster while a write is under way."""

import base64
import datetime
import gzip
import http.client
import json
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

try:
    import requests
    from azure.storage.blob import BlobServiceClient, generate_container_sas
except ImportError as missing:
    print(f"missing: {missing}")
    sys.exit(77)

from support import ADMIN, TENANT, VIEWER, check, eventually, expect, free_port, judge

KEY = base64.b64encode(bytes(range(64))).decode()


class Faulty(ThreadingHTTPServer):
    """A proxy in front of the cluster. `fault(method, path, body)` answers None, a status, 'refuse' (for good), 'drop' (not sent on), 'lost' (sent on, the answer is lost),
    'half' or 'length' (a wrong content length)."""
    daemon_threads = True

    def __init__(self, upstream):
        self.upstream = urllib.parse.urlsplit(upstream).netloc
        self.fault, self.count = None, 0
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def handle_any(self):
        proxy = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy.count += 1
        fault = proxy.fault(self.command, self.path, body) if proxy.fault else None
        if fault == "drop":
            return self.leave()
        if isinstance(fault, int) or fault == "refuse":
            text = json.dumps({"error": {"code": "Injected", "message": "injected", "@type": "Kusto.Injected", "@message": "injected", "@permanent": fault == "refuse"}}).encode()
            return self.reply(400 if fault == "refuse" else fault, [("Content-Type", "application/json"), ("Retry-After", "0")], text)
        connection = http.client.HTTPConnection(proxy.upstream)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if fault == "lost":
            return self.leave()
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server")]
        # Of a HEAD the length is all there is.
        self.reply(answer.status, kept, data, fault, answer.getheader("Content-Length") if self.command == "HEAD" else None)

    def leave(self):
        self.close_connection = True
        self.connection.shutdown(2)

    def reply(self, status, headers, data, fault=None, length=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(data) + (100 if fault == "length" else 0)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[:len(data) // 2] if fault == "half" else data)
        if fault:
            self.close_connection = True

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any


def first(method, text, fault, times=1):
    left = [times]

    def decide(command, path, body):
        if command == method and (text in path or text.encode() in body) and left[0] > 0:
            left[0] -= 1
            return fault
        return None
    return decide


def plain_writes(place):
    place.variables |= {"STORAGE_KEY": KEY}
    port = free_port()
    url = place.serve("--listen", f"127.0.0.1:{port}", "--storage-key", "env:STORAGE_KEY", "--allow-url", f"http://127.0.0.1:{port}/devstoreaccount1/")
    proxy = Faulty(url)
    table = lambda name, through=url: f"kusto:{through}/NetDefaultDB.{name}"  # noqa: E731
    create = ["-o", "tableCreateOptions=CreateIfNotExist", "--mode", "append"]

    def command(text):
        answer = requests.post(f"{url}/v1/rest/mgmt", json={"db": "NetDefaultDB", "csl": text}, timeout=120)
        expect((answer.status_code, answer.text[:300] if answer.status_code != 200 else ""), (200, ""))
        result = answer.json()["Tables"][0]
        return [dict(zip([c["ColumnName"] for c in result["Columns"]], row)) for row in result["Rows"]]

    def count(name):
        return place.rows("query", f"{name} | summarize count(), sum(i)", "--cluster", url)

    def staging():
        return [row["TableName"] for row in command(".show tables") if row["TableName"].startswith("kconnectTemp")]

    place.path("in.csv", "i,s\n" + "".join(f"{i},row {i}\n" for i in range(1_000)))
    whole = [[1_000, 499_500]]

    # Failures of the cluster: each is survived, and the rows are there once.
    faults = [
        ("429 of a command", "POST", "/v1/rest/mgmt", 429), ("a dropped command that shows", "POST", ".show table", "drop"), ("half an answer", "POST", ".show table", "half"),
        ("a wrong content length", "POST", ".show table", "length"), ("500 of the resources", "POST", ".get ingestion resources", 500), ("503 of a blob", "PUT", "/devstoreaccount1/", 503),
        ("a lost answer to a blob", "PUT", "/devstoreaccount1/", "lost"), ("503 of the move", "POST", ".move async", 503), ("a dropped move", "POST", ".move async", "drop"),
        ("a lost answer to the move", "POST", ".move async", "lost"), ("500 while the move is waited for", "POST", ".show operations", 500),
        ("a lost answer to the ingestion", "POST", ".ingest async", "lost"), ("503 of the ingestion", "POST", ".ingest async", 503),
    ]
    for n, (what, method, text, fault) in enumerate(faults):
        def survive(n=n, method=method, text=text, fault=fault):
            proxy.fault = first(method, text, fault)
            place.run("write", "--from", "in.csv", "--to", table(f"F{n}", proxy.url), *create, "-o", "ensureNoDuplicatedBlobs=true")
            proxy.fault = None
            expect((count(f"F{n}"), staging()), (whole, []))
        check(f"{what} is survived", survive)
    proxy.fault = None

    def for_good():
        place.run("write", "--from", "in.csv", "--to", table("G"), *create)
        proxy.fault = lambda method, path, body: "refuse" if b".move async" in body else None
        place.fails("", "write", "--from", "in.csv", "--to", table("G", proxy.url), *create)
        proxy.fault = None
        expect((count("G"), staging()), (whole, []))

    check("a move that fails for good leaves nothing", for_good)

    def cancelled():
        begun = threading.Event()

        def stuck(method, path, body):
            if b".ingest async" in body:
                begun.set()
                return 503
            return None
        proxy.fault = stuck
        process = place.start("write", "--from", "in.csv", "--to", table("G", proxy.url), *create)
        expect(begun.wait(300), True)
        process.send_signal(2)
        process.communicate(timeout=300)
        proxy.fault = None
        expect((process.returncode, count("G")), (130, whole))
        for name in staging():
            policies = [json.loads(row["Policy"]) for row in command(f".show table ['{name}'] policy auto_delete")]
            expect([p["DeleteIfNotEmpty"] for p in policies], [True])
            command(f".drop table ['{name}']")

    check("a cancelled write brings no rows; what it staged has its end", cancelled)

    # Streaming.
    def streamed(name, fault):
        proxy.fault = fault
        place.run("write", "--from", "in.csv", "--to", table(name, proxy.url), *create, "-o", "writeMode=KustoStreaming")
        proxy.fault = None

    def visible(name):
        eventually(lambda: count(name), whole)

    check("streaming: one 503 is tried again", lambda: (streamed("S1", first("POST", "/v1/rest/ingest/", 503)), expect(count("S1"), whole)))
    check("streaming: refused three times it goes to the queue", lambda: (streamed("S2", first("POST", "/v1/rest/ingest/", 503, 3)), visible("S2")))

    # Names that addresses hold in other letters only.
    def named(mode):
        database, name = "Zürich db", f"a+b & c%d {mode}"
        to = ["--to", "kusto:", "-o", f"to.kustoCluster={url}", "-o", f"to.kustoDatabase={database}", "-o", f"to.kustoTable={name}", "-o", f"to.writeMode={mode}"]
        place.run("write", "--from", "in.csv", *to, "-o", "to.tableCreateOptions=CreateIfNotExist", "--mode", "append")
        eventually(lambda: place.rows("query", f"database('{database}').['{name}'] | summarize count(), sum(i)", "--cluster", url), whole)

    command(".create database ['Zürich db']")
    for mode in ("Transactional", "Queued", "KustoStreaming"):
        check(f"{mode}: names with blanks, signs and letters of all kinds", lambda: named(mode))

    # Tables of writes that fail: made just before the first rows leave, and left to those who use them meanwhile.
    def failed(name, mode, text, stays):
        proxy.fault = lambda method, path, body: "refuse" if text in path else None
        place.fails("which this write made, stays" if stays else "", "write", "--from", "in.csv", "--to", table(name, proxy.url), *create, "-o", f"writeMode={mode}")
        proxy.fault = None
        expect([row["TableName"] for row in command(".show tables") if row["TableName"] == name], [name] if stays else [])

    check("queued: no table is made when no blob was taken", lambda: failed("Failed1", "Queued", "/devstoreaccount1/tmp", False))
    check("queued: the table stays when no message was taken", lambda: failed("Failed2", "Queued", "/messages", True))
    check("streaming: the table stays when no chunk was taken", lambda: failed("Failed3", "KustoStreaming", "/v1/rest/ingest/", True))

    def unknown():
        proxy.fault = first("POST", "/v1/rest/ingest/", "lost")
        place.fails("it is not known whether", "write", "--from", "in.csv", "--to", table("Unknown", proxy.url), *create, "-o", "writeMode=KustoStreaming")
        proxy.fault = None
        expect(count("Unknown"), whole)

    check("streaming: a table whose rows may have come stays", unknown)

    # Limits of parts, in bytes.
    def batching():
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        container = BlobServiceClient(f"{url}/devstoreaccount1", credential=KEY).get_container_client("parts")
        sas = generate_container_sas("devstoreaccount1", "parts", KEY, permission="rwcd", expiry=end)
        row = "😀" * 100
        place.path("emoji.csv", "i,s\n" + "".join(f"{i},{row}\n" for i in range(8_000)))
        own = json.dumps([{"storageUrl": f"{url}/devstoreaccount1", "containerName": "parts", "sas": "?" + sas}])
        place.run("write", "--from", "emoji.csv", "--to", table("B"), *create, "-o", "writeMode=Queued", "-o", "clientBatchingLimit=1", "-o",
                  "kustoIngestionStorageContainer=file:" + place.path("own.json", own))
        sizes = [len(gzip.decompress(container.get_blob_client(b.name).download_blob().readall())) for b in container.list_blobs()]
        if len(sizes) < 3 or max(sizes) > (1 << 20) + 500:
            raise AssertionError(str(sizes))
        eventually(lambda: count("B"), [[8_000, 8_000 * 7_999 // 2]])

    check("parts of 1 MiB, counted in bytes, in storage of one's own", batching)

    def twice():
        place.run("write", "--from", "in.csv", "--to", table("D"), *create, "--limit", "1")
        tags = ["-o", 'sparkIngestionPropertiesJson={"ingestByTags":["load-1"],"ingestIfNotExists":["load-1"]}']
        for _ in range(2):
            place.run("write", "--from", "in.csv", "--to", table("D"), *create, *tags)
        expect(count("D"), [[1_001, 499_500]])

    check("a load with the same tag is skipped", twice)

    def once():
        for version in [1, 1, 0, 2]:
            place.run("write", "--from", "in.csv", "--to", table("E"), *create, "-o", "txnAppId=app", "-o", f"txnVersion={version}")
        expect(count("E"), [[2_000, 2 * 499_500]])
        place.fails("Transactional", "write", "--from", "in.csv", "--to", table("E"), *create, "-o", "txnAppId=app", "-o", "txnVersion=9", "-o", "writeMode=Queued", status=2)

    check("a write of an application counts once", once)

    def many():
        for version in range(12):
            place.run("write", "--from", "in.csv", "--limit", "1", "--to", table("M"), *create, "-o", "txnAppId=app", "-o", f"txnVersion={version}")
        tags = [tag for row in command(".show table M extents") for tag in row["Tags"].split() if "kconnect:" in tag]
        if len(tags) > 10:
            raise AssertionError(f"{len(tags)} tags stay")
        place.run("write", "--from", "in.csv", "--limit", "1", "--to", table("M"), *create, "-o", "txnAppId=app", "-o", "txnVersion=11")
        expect(count("M"), [[12, 0]])

    check("tags of earlier writes go", many)

    def orphan():
        place.run("write", "--from", "in.csv", "--to", table("O"), *create)
        proxy.fault = lambda method, path, body: "refuse" if b".ingest async" in body or b".drop table" in body else None
        place.fails("injected", "write", "--from", "in.csv", "--to", table("O", proxy.url), *create, "-o", "stagingResourcesAutoCleanupTimeout=3600")
        proxy.fault = None
        left = staging()
        policies = [json.loads(row["Policy"]) for name in left for row in command(f".show table ['{name}'] policy auto_delete")]
        soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=2)).isoformat()
        if not policies or any(p["ExpiryDate"] > soon or not p["DeleteIfNotEmpty"] for p in policies):
            raise AssertionError(f"{left}: {policies}")
        for name in left:
            command(f".drop table ['{name}']")

    check("an orphaned staging table has its end", orphan)
    def modes():
        place.fails("there is no table", "write", "--from", "in.csv", "--to", table("N"), "--mode", "append")
        place.run("write", "--from", "in.csv", "--to", table("N"))
        place.fails("exists already", "write", "--from", "in.csv", "--to", table("N"))
        place.run("write", "--from", "in.csv", "--to", table("N"), "--mode", "ignore")
        expect(count("N"), whole)
        place.run("write", "--from", "in.csv", "--limit", "10", "--to", table("N"), "--mode", "overwrite")
        expect((count("N"), staging()), ([[10, 45]], []))

    check("save modes", modes)

    def own_staging():
        own = ["--mode", "append", "-o", "tempTableName=Mine"]
        place.run("write", "--from", "in.csv", "--to", table("W"), *create)
        place.fails("Mine", "write", "--from", "in.csv", "--to", table("W"), *own)
        command(".create table Mine (i:long, s:string)")
        proxy.fault = lambda method, path, body: "refuse" if b".move async" in body else None
        place.fails("", "write", "--from", "in.csv", "--to", table("W", proxy.url), *own)
        proxy.fault = None
        expect((count("W"), count("Mine")), (whole, whole))
        command(".clear table Mine data")
        place.run("write", "--from", "in.csv", "--to", table("W"), *own)
        expect(count("W"), [[2_000, 2 * 499_500]])
        expect([row for row in command(".show tables") if row["TableName"] == "Mine"], [])
        place.fails("tempTableName", "write", "--from", "in.csv", "--to", table("W"), *own, "-o", "writeMode=Queued", status=2)

    check("a staging table of one's own: kept after a failure, dropped after success", own_staging)

    def view():
        command(".create table VT (i:long, s:string)")
        command(".create materialized-view V on table VT { VT | summarize n = count() by k = i % 2 }")
        place.run("write", "--from", "in.csv", "--to", table("VT"), "--mode", "append")
        expect(place.rows("query", "V | order by k asc | project n", "--cluster", url), [[500], [500]])

    check("a materialized view sees rows that were moved", view)

    def tags():
        place.run("write", "--from", "in.csv", "--to", table("TG"), *create, "-o", 'sparkIngestionPropertiesJson={"dropByTags":["d1"],"additionalTags":["plain"],"creationTime":"2024-05-06T00:00:00Z"}')
        rows = command(".show table TG extents")
        expect([sorted(row["Tags"].split()) for row in rows], [["drop-by:d1", "plain"]])
        expect([row["MinCreatedOn"][:10] for row in rows], ["2024-05-06"])

    check("tags and creation time", tags)
    check("staging as Parquet", lambda: (place.run("write", "--from", "in.csv", "--to", table("P"), *create, "-o", "stagingFormat=parquet"), expect(count("P"), whole)))

    def wider():
        place.run("write", "--from", "in.csv", "--to", table("X"), *create)
        place.run("write", "--from", "in.csv", "--query", "extend z = i * 2", "--to", table("X"), *create, "-o", "to.mergeSchema=true")
        expect(place.rows("query", "X | summarize sum(z), countif(isnull(z))", "--cluster", url), [[999_000, 1_000]])

    check("a column more", wider)

    def matched():
        command(".create table Y (s:string, i:long)")
        place.fails("(s, i)", "write", "--from", "in.csv", "--to", table("Y"), "--mode", "append", "-o", "adjustSchema=FailIfNotMatch", status=None)
        place.run("write", "--from", "in.csv", "--to", table("Y"), "--mode", "append", "-o", "adjustSchema=GenerateDynamicCsvMapping")
        expect(count("Y"), whole)

    check("columns by name", matched)
    check("a table whose name needs quotes", lambda: (place.run("write", "--from", "in.csv", "--to", f"kusto:{url}/NetDefaultDB.['my-table']", *create),
                                                    expect(count("['my-table']"), whole)))
    check("a write behind the call is waited for by the program", lambda: (
        place.run("write", "--from", "in.csv", "--to", table("A"), *create, "-o", "writeEnableAsync=true"), expect(count("A"), whole)))
    check("and its failure is not lost", lambda: place.fails(
        "there is no table", "write", "--from", "in.csv", "--to", table("missing"), "--mode", "append", "-o", "writeEnableAsync=true"))
    place.stop()


def rights(place):
    url = place.serve_secured()
    place.variables |= {"ADMIN_SECRET": "admin-secret", "VIEWER_SECRET": "viewer-secret"}
    ca = ["-o", "caFile=" + place.path("ca.pem"), "-o", f"kustoAadAuthorityID={TENANT}"]
    admin = [*ca, "-o", f"kustoAadAppId={ADMIN}", "-o", "kustoAadAppSecret=env:ADMIN_SECRET"]
    viewer = [*ca, "-o", f"kustoAadAppId={VIEWER}", "-o", "kustoAadAppSecret=env:VIEWER_SECRET"]
    run = lambda text: place.run("query", text, "--cluster", url, *admin)  # noqa: E731
    target = ["--to", f"kusto:{url}/NetDefaultDB.T", "--mode", "append"]
    write = ["write", "--from", "in.csv", *target, *viewer]
    run(".create table T (i:long, s:string)")
    me = f"'aadapp={VIEWER};{TENANT}'"
    seeing, making, moving, bringing = "viewer on the database", "user on the database", "admin on the table 'T'", "ingestor on the table 'T'"

    def missing(wanted, *more):
        _, errors = place.run(*write, "-o", "preflight=true", *more, status=1)
        for text in [seeing, making, moving, bringing]:
            if (text in errors) != (text in wanted):
                raise AssertionError(f"{text}: {errors}")
        expect(place.rows("query", ".show tables | count", "--cluster", url, *admin), [[1]])
        expect(place.rows("query", "T | count", "--cluster", url, *admin), [[0]])

    check("rights of nobody", lambda: missing([seeing, making, moving]))
    run(f".add database NetDefaultDB viewers ({me})")
    check("rights of a viewer", lambda: missing([making, moving]))
    check("rights of a viewer for the queue", lambda: missing([bringing], "-o", "writeMode=Queued"))
    check("without preflight the refusal names them, too", lambda: place.fails([making, moving], *write))
    run(f".add table T ingestors ({me})")
    check("an ingestor streams", lambda: place.run(*write, "-o", "writeMode=KustoStreaming", "-o", "preflight=true"))
    run(f".add database NetDefaultDB users ({me})")
    run(".clear table T data")
    check("rights of a user", lambda: missing([moving]))
    run(f".add table T admins ({me})")
    check("an admin of the table writes", lambda: (place.run(*write, "-o", "preflight=true"), expect(place.rows("query", "T | count", "--cluster", url, *admin), [[1_000]])))


def writes(place):
    plain_writes(place)
    rights(place)


if __name__ == "__main__":
    judge(writes)
