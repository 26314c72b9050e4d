"""Microsoft's own clients against a running server: judge.py URL. Prints one line per check; exits 1 at the first that fails."""
import base64, gzip, io, json, sys, tempfile, time, uuid
from datetime import timedelta, datetime, timezone
import pandas as pd
from azure.kusto.data import KustoClient, KustoConnectionStringBuilder, ClientRequestProperties
from azure.kusto.data.exceptions import KustoApiError, KustoServiceError, KustoMultiApiError
from azure.kusto.data.helpers import dataframe_from_result_table
from azure.kusto.ingest import (QueuedIngestClient, KustoStreamingIngestClient, ManagedStreamingIngestClient, IngestionProperties, FileDescriptor,
                                StreamDescriptor, BlobDescriptor, ReportLevel, IngestionStatus)
from azure.kusto.data.data_format import DataFormat
from azure.kusto.ingest.status import KustoIngestStatusQueues

url = sys.argv[1]
only = sys.argv[2] if len(sys.argv) > 2 else ""
kcsb = lambda: KustoConnectionStringBuilder(url)
client = KustoClient(kcsb())
DB = "judge"
checks = []
def check(f):
    checks.append(f)
    return f

def rows(text, db=DB, properties=None):
    return [list(r) for r in client.execute(db, text, properties).primary_results[0]]

def eventually(text, expected, seconds=300):
    end = time.time() + seconds
    while True:
        found = rows(text)
        if found == expected: return
        assert time.time() < end, f"{text}: {found}, expected {expected}"
        time.sleep(0.05)

@check
def setup():
    client.execute_mgmt("NetDefaultDB", f".drop database {DB} ifexists")
    client.execute_mgmt("NetDefaultDB", f".create database {DB}")
    names = [r["DatabaseName"] for r in client.execute_mgmt("NetDefaultDB", ".show databases").primary_results[0]]
    assert DB in names, names

@check
def every_type():
    r = client.execute(DB, """print b=true, i=int(7), l=9007199254740993, d=1.0, nan=real(nan), inf=real(-inf), m=decimal(1.25), s='a"\\\\\\n\u00e9', t=datetime(2020-03-04T14:05:01.3109965Z),
        ts=time(1.02:03:04.005), g=guid(74be27de-1e4e-49d9-b579-fe0b331d3642), y=dynamic({"a":[1,2.5,"x",null]}), nl=long(null), ns='', nt=datetime(null)""").primary_results[0]
    row = r[0]
    assert row["b"] is True and row["i"] == 7 and row["l"] == 9007199254740993 and isinstance(row["d"], float)
    assert str(row["nan"]).lower() == "nan" and float(row["inf"]) == float("-inf"), (row["nan"], row["inf"])
    assert str(row["m"]) == "1.25" and row["s"] == 'a"\\\n\u00e9', (row["m"], row["s"])
    assert row["t"] == datetime(2020, 3, 4, 14, 5, 1, 310996, timezone.utc), row["t"]
    assert row["ts"] == timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=5), row["ts"]
    assert row["g"] == "74be27de-1e4e-49d9-b579-fe0b331d3642" and row["y"] == {"a": [1, 2.5, "x", None]}
    assert row["nl"] is None and row["ns"] == "" and row["nt"] is None
    assert [c.column_type for c in r.columns] == ["bool", "int", "long", "real", "real", "real", "decimal", "string", "datetime", "timespan", "guid", "dynamic", "long", "string", "datetime"]

@check
def frames():
    df = dataframe_from_result_table(client.execute(DB, "range x from 1 to 100000 step 1 | extend y = x * 0.5, s = tostring(x), t = datetime(2020-01-01) + x * 1s, b = x % 2 == 0").primary_results[0])
    assert len(df) == 100000 and df.x.sum() == 5000050000 and str(df.y.dtype).lower() == "float64" and str(df.t.dtype).startswith("datetime64"), df.dtypes
    assert bool(df.b[1]) and df.s[99999] == "100000"

@check
def several_results():
    r = client.execute(DB, "print a=1; print b='x'")
    assert [len(t) for t in r.primary_results] == [1, 1] and r.primary_results[1][0]["b"] == "x"
    s = client.execute_streaming_query(DB, "range x from 1 to 70000 step 1; print y=2")
    assert [sum(1 for _ in table) for table in s.iter_primary_results()] == [70000, 1]

@check
def streaming_query():
    r = client.execute_streaming_query(DB, "range x from 1 to 200000 step 1")
    table = r.iter_primary_results().__next__()
    assert sum(row["x"] for row in table) == 200000 * 200001 // 2

@check
def parameters():
    p = ClientRequestProperties()
    p.set_parameter("n", 3); p.set_parameter("s", "it's"); p.set_parameter("d", "datetime(2024-01-31)"); p.set_parameter("y", "dynamic([1,2])")
    text = "declare query_parameters(n:long, s:string, d:datetime, y:dynamic, z:long = 9); print n, s, d, len=array_length(y), z"
    r = rows(text, properties=p)
    assert r == [[3, "it's", datetime(2024, 1, 31, tzinfo=timezone.utc), 2, 9]], r
    p.set_option("query_now", "datetime(2001-01-01)")
    assert rows("print now()", properties=p)[0][0].year == 2001
    try: rows("declare query_parameters(n:long); print n"); assert False
    except KustoApiError as e: assert e.is_semantic_error(), str(e)

@check
def errors():
    for text, code in [("T |", "SYN"), ("print x", "SEM"), ("Missing | count", "SEM")]:
        try: rows(text); assert False, text
        except KustoApiError as e:
            assert e.http_response.status_code == 400 and e.error.permanent and code in str(e), str(e)
    try: client.execute_mgmt(DB, ".shw tables"); assert False
    except KustoApiError as e: assert e.error.code == "BadRequest_SyntaxError", e.error.code
    try: rows("print 1", db="nowhere"); assert False
    except KustoApiError as e: assert e.error.code == "BadRequest_DatabaseNotExist"
    try: client.execute_mgmt(DB, ".drop table Missing"); assert False
    except KustoApiError as e: assert e.error.code == "BadRequest_EntityNotFound" and "Missing" in str(e)

@check
def truncation():
    p = ClientRequestProperties(); p.set_option("truncationmaxrecords", 10)
    try: rows("range x from 1 to 100 step 1", properties=p); assert False
    except KustoMultiApiError as e: assert "80DA0003" in str(e), str(e)
    # A limit that is named counts, whatever notruncation says.
    p.set_option("notruncation", True)
    try: rows("range x from 1 to 100 step 1", properties=p); assert False
    except KustoMultiApiError as e: assert "80DA0003" in str(e), str(e)
    p = ClientRequestProperties(); p.set_option("notruncation", True)
    assert len(rows("range x from 1 to 500001 step 1", properties=p)) == 500_001
    p = ClientRequestProperties(); p.set_option("query_take_max_records", 7)
    assert len(rows("range x from 1 to 100 step 1", properties=p)) == 7
    try: rows("range x from 1 to 500001 step 1"); assert False
    except KustoMultiApiError as e: assert "500000" in str(e)
    assert len(rows("set truncationmaxrecords = 5; range x from 1 to 5 step 1")) == 5

@check
def timeouts():
    p = ClientRequestProperties(); p.set_option("servertimeout", timedelta(seconds=1))
    # Left alone it would run for hours.
    try: rows("range x from 1 to 100000000000 step 1 | summarize count() by x % 7, tostring(x % 3)", properties=p); assert False
    except KustoApiError as e: assert e.http_response.status_code == 504 and not e.error.permanent, str(e)

@check
def commands():
    client.execute_mgmt(DB, ".create table T (a:long, s:string, t:datetime, y:dynamic)")
    r = client.execute_mgmt(DB, ".show tables | project TableName").primary_results[0]
    assert [x["TableName"] for x in r] == ["T"]
    assert client.execute_mgmt(DB, ".show table T cslschema").primary_results[0][0]["Schema"] == "a:long,s:string,t:datetime,y:dynamic"
    client.execute_mgmt(DB, ".ingest inline into table T <| 1,x,2020-01-01,\"{\"\"k\"\":1}\"\n2,y,2020-01-02,")
    assert rows("T | order by a asc | project a, s, y.k") == [[1, "x", 1], [2, "y", None]]
    client.execute_mgmt(DB, """.create table T ingestion csv mapping "m" '[{"column":"a","Properties":{"Ordinal":"1"}},{"column":"s","Properties":{"Ordinal":"0"}}]'""")
    client.execute_mgmt(DB, """.create table T ingestion json mapping "j" '[{"column":"a","Properties":{"Path":"$.n"}},{"column":"s","Properties":{"Path":"$.w"}}]'""")
    client.execute_mgmt(DB, ".clear table T data")

def csv_properties(**more): return IngestionProperties(database=DB, table="T", data_format=DataFormat.CSV, **more)

@check
def streaming():
    c = KustoStreamingIngestClient(kcsb())
    c.ingest_from_stream(StreamDescriptor(io.BytesIO(b"1,x,2020-01-01,\n2,y,2020-01-02,\n")), csv_properties())
    assert rows("T | count") == [[2]]
    c.ingest_from_stream(StreamDescriptor(io.BytesIO(b"w,3\n")), csv_properties(ingestion_mapping_reference="m"))
    assert rows("T | where s == 'w' | project a") == [[3]]
    c.ingest_from_stream(StreamDescriptor(io.BytesIO(b'{"n":4,"w":"j"}\n')), IngestionProperties(database=DB, table="T", data_format=DataFormat.JSON, ingestion_mapping_reference="j"))
    assert rows("T | where s == 'j' | project a") == [[4]]
    c.ingest_from_dataframe(pd.DataFrame({"a": [5, 6], "s": ["p", "q"], "t": pd.to_datetime(["2021-01-01", "2021-01-02"]), "y": [{"k": 1}, None]}), IngestionProperties(database=DB, table="T"))
    assert rows("T | where a >= 5 | order by a asc | project a, s, year=getyear(t)") == [[5, "p", 2021], [6, "q", 2021]]
    with tempfile.NamedTemporaryFile(suffix=".csv", delete=False) as f: f.write(b"7,f,,\n")
    c.ingest_from_file(FileDescriptor(f.name), csv_properties())
    assert rows("T | count") == [[7]]
    for props, code in [(csv_properties(ingestion_mapping_reference="none"), "BadRequest_MappingReferenceWasNotFound"),
                        (IngestionProperties(database=DB, table="Nope", data_format=DataFormat.CSV), "BadRequest_TableNotExist"),
                        (IngestionProperties(database="nope", table="T", data_format=DataFormat.CSV), "BadRequest_DatabaseNotExist"),
                        (IngestionProperties(database=DB, table="T", data_format=DataFormat.ORC), "BadRequest_FormatNotSupported")]:
        try: c.ingest_from_stream(StreamDescriptor(io.BytesIO(b"1,x")), props); assert False, code
        except KustoApiError as e: assert e.error.code == code and e.error.permanent, (e.error.code, code)
    assert rows("T | count") == [[7]]

@check
def parquet():
    import pyarrow as pa, pyarrow.parquet as pq
    out = io.BytesIO(); pq.write_table(pa.table({"a": [70, 71], "s": ["pa", "pb"]}), out); out.seek(0)
    KustoStreamingIngestClient(kcsb()).ingest_from_stream(StreamDescriptor(out), IngestionProperties(database=DB, table="T", data_format=DataFormat.PARQUET))
    assert rows("T | where a in (70, 71) | count") == [[2]]

@check
def queued():
    client.execute_mgmt(DB, ".clear table T data")
    c = QueuedIngestClient(kcsb())
    both = dict(report_level=ReportLevel.FailuresAndSuccesses, flush_immediately=True)
    with tempfile.NamedTemporaryFile(suffix=".csv", delete=False) as f: f.write(b"1,x,2020-01-01,\n2,y,2020-01-02,\n")
    r = c.ingest_from_file(FileDescriptor(f.name), csv_properties(**both))
    assert r.status == IngestionStatus.QUEUED
    eventually("T | count", [[2]])
    c.ingest_from_dataframe(pd.DataFrame({"a": [3], "s": ["df"], "t": ["2020-01-01"], "y": [None]}), IngestionProperties(database=DB, table="T", **both))
    eventually("T | count", [[3]])
    c.ingest_from_stream(StreamDescriptor(io.BytesIO(b"w,4\n")), csv_properties(ingestion_mapping_reference="m", additional_tags=["x"], drop_by_tags=["d"], **both))
    eventually("T | where s == 'w' | project a", [[4]])
    tags = client.execute_mgmt(DB, ".show table T extents").primary_results[0]
    assert any("drop-by:d" in x["Tags"] for x in tags), [x["Tags"] for x in tags]
    blob = c._resource_manager.get_containers()[0]
    import requests
    at = url + "/devstoreaccount1/tmp/mine.csv?" + blob.parsed.query
    assert requests.put(at, data=b"9,blob,,\n", headers={"x-ms-blob-type": "BlockBlob"}).status_code == 201
    assert requests.get(at, headers={"Range": "bytes=2-5"}).content == b"blob" and requests.head(at).headers["Content-Length"] == "9"
    assert requests.put(url + "/devstoreaccount1/tmp/mine.csv?sig=wrong", data=b"x").status_code == 403
    c.ingest_from_blob(BlobDescriptor(at, size=9), csv_properties(**both))
    eventually("T | where s == 'blob' | project a", [[9]])
    c.ingest_from_blob(BlobDescriptor(at, size=9), IngestionProperties(database=DB, table="Nope", data_format=DataFormat.CSV, **both))
    status = KustoIngestStatusQueues(c)
    end = time.time() + 300
    while status.failure.is_empty() and time.time() < end: time.sleep(0.05)
    failed = status.failure.pop(1)[0]
    assert failed.Table == "Nope" and failed.ErrorCode == "BadRequest_TableNotExist", failed.ErrorCode
    assert status.success.pop(1)[0].Database == DB

@check
def queued_blocks():
    c = QueuedIngestClient(kcsb())
    class Pipe(io.RawIOBase):
        def __init__(self, data): self.data = io.BytesIO(data)
        def readable(self): return True
        def seekable(self): return False
        def read(self, n=-1): return self.data.read(n)
        def readinto(self, b):
            d = self.data.read(len(b)); b[:len(d)] = d; return len(d)
    import random
    random.seed(1)
    body = "".join(f"{i},blocks{random.random()},2020-01-01,\n" for i in range(400000)).encode()
    with tempfile.NamedTemporaryFile(suffix=".csv", delete=False) as f: f.write(body)
    c.ingest_from_file(FileDescriptor(f.name), csv_properties(flush_immediately=True))
    eventually("T | where s startswith 'blocks' | count", [[400000]])

@check
def managed():
    c = ManagedStreamingIngestClient(kcsb())
    c.ingest_from_stream(StreamDescriptor(io.BytesIO(b"21,m,2020-01-01,\n")), csv_properties())
    eventually("T | where s == 'm' | count", [[1]])
    big = b"".join(b"22,managed%d,2020-01-01,\n" % i for i in range(300000))
    c.ingest_from_stream(StreamDescriptor(io.BytesIO(gzip.compress(big, 0)), is_compressed=True), csv_properties())
    eventually("T | where s startswith 'managed' | count", [[300000]])

@check
def progressive_and_fragmented():
    import requests
    def frames(**options):
        r = requests.post(url + "/v2/rest/query", json={"db": DB, "csl": "range x from 1 to 3 step 1", "properties": {"Options": options}})
        assert r.status_code == 200, r.text
        return r.text, json.loads(r.text)
    text, f = frames(results_v2_newlines_between_frames=True, results_v2_fragment_primary_tables=True, results_error_reporting_placement="end_of_table")
    assert [x["FrameType"] for x in f] == ["DataSetHeader", "DataTable", "TableHeader", "TableFragment", "TableCompletion", "DataTable", "DataSetCompletion"], f
    lines = text.rstrip("\n").split("\n")
    assert lines[0].startswith("[") and all(l.startswith(",") for l in lines[1:-1]) and lines[-1] == "]"
    _, f = frames(results_progressive_enabled=True)
    assert f[0]["IsProgressive"] and sum(x["FrameType"] == "TableFragment" for x in f) == 1

@check
def service():
    import requests
    m = requests.get(url + "/v1/rest/auth/metadata").json()["AzureAD"]
    assert set(m) >= {"LoginEndpoint", "LoginMfaRequired", "KustoClientAppId", "KustoClientRedirectUri", "KustoServiceResourceId", "FirstPartyAuthorityUrl"}
    assert "Healthy" in requests.get(url + "/v1/rest/ping").text
    assert "kconnect_requests_total" in requests.get(url + "/metrics").text
    r = requests.options(url + "/v1/rest/mgmt", headers={"Origin": "https://dataexplorer.azure.com", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization", "Access-Control-Request-Private-Network": "true"})
    assert r.status_code == 204 and r.headers["Access-Control-Allow-Origin"] == "https://dataexplorer.azure.com" and r.headers["Access-Control-Allow-Private-Network"] == "true"
    v1 = requests.post(url + "/v1/rest/query", json={"db": DB, "csl": "print x=1 | render timechart"}).json()
    assert len(v1["Tables"]) == 4 and '"timechart"' in v1["Tables"][1]["Rows"][0][0] and [r[1] for r in v1["Tables"][3]["Rows"]] == ["QueryResult", "QueryProperties", "QueryStatus"]
    assert requests.post(url + "//v1/rest/mgmt", json={"csl": ".show cluster"}).status_code == 200
    assert requests.post(url + "/v1/rest/query", json={"csl": ".show databases schema"}).status_code == 200

@check
def cancelled():
    import threading
    p = ClientRequestProperties(); p.client_request_id = "judge;" + str(uuid.uuid4())
    seen = []
    def run():
        try: KustoClient(kcsb()).execute(DB, "range x from 1 to 100000000000 step 1 | summarize count() by x % 7, tostring(x % 3)", p)
        except Exception as e: seen.append(e)
    t = threading.Thread(target=run); t.start()
    end = time.time() + 300
    while not any(r["ClientActivityId"] == p.client_request_id for r in client.execute_mgmt(DB, ".show running queries").primary_results[0]):
        assert time.time() < end; time.sleep(0.05)
    client.execute_mgmt(DB, f'.cancel query "{p.client_request_id}"')
    t.join(300)
    assert seen and "cancel" in str(seen[0]).lower(), seen

for f in checks:
    if only and f.__name__ not in ("setup",) + tuple(only.split(",")): continue
    began = time.time()
    f()
    print(f"ok {f.__name__} {time.time() - began:.2f}s", flush=True)
