"""Reads from a cluster as one stream and through exported files: equal rows, whatever the types; the choice between the two; files kept for later
reads; nothing left behind."""

import json
import os

import requests

from support import check, expect, judge
from writes import Faulty

ALL = """range i from 0 to 6999 step 1
| extend l = iff(i % 7 == 0, long(null), i * 1000000007), n = iff(i % 5 == 0, int(null), toint(i)), r = iff(i % 11 == 0, real(null), i / 3.0), b = iff(i % 3 == 0, bool(null), i % 2 == 0),
    s = case(i % 4 == 0, '', i % 4 == 1, strcat("'\\\\n\\n\\"", i), strcat('ü😀', i)), t = iff(i % 6 == 0, datetime(null), datetime(0001-01-01) + i * 1d + i * 1tick),
    d = iff(i % 8 == 0, timespan(null), i * 1h - i * 1tick), g = iff(i % 9 == 0, guid(null), guid(74be27de-1e4e-49d9-b579-fe0b331d3642)),
    m = iff(i % 10 == 0, decimal(null), todecimal(i) / 7), y = case(i % 5 == 0, dynamic(null), i % 5 == 1, todynamic(strcat('{"a":', i, ',"b":[1,"x",null]}')), i % 5 == 2, todynamic('"text"'), i % 5 == 3, todynamic('[]'), todynamic(tostring(i)))"""


def reads(place):
    url = place.serve_plain()
    table = f"kusto:{url}/NetDefaultDB"

    def command(text):
        answer = requests.post(f"{url}/v1/rest/mgmt", json={"db": "NetDefaultDB", "csl": text}, timeout=120)
        expect((answer.status_code, answer.text[:300] if answer.status_code != 200 else ""), (200, ""))
        result = answer.json()["Tables"][0]
        return [dict(zip([c["ColumnName"] for c in result["Columns"]], row)) for row in result["Rows"]]

    command(f".set-or-replace All <|\n{ALL}")
    command(".set-or-replace Many <| range i from 1 to 5001 step 1 | extend k = i % 10")
    root = command(".show export containers")[0]["StorageRoot"]
    place.variables["TRANSIENT"] = json.dumps({"storageCredentials": [{"sasUrl": root}]})
    storage = ["-o", "transientStorage=env:TRANSIENT"]
    forced = ["-o", "readMode=ForceDistributedMode"]

    def exports():
        return sum("export async" in row["Text"].lower() for row in command(".show commands"))

    def staged():
        base, _, query = root.partition("?")
        return requests.get(f"{base}?restype=container&comp=list&{query}", timeout=60).text.count("<Blob>")

    def new_exports(body):
        before = exports()
        body()
        return exports() - before

    def read(name, *more, query="order by i asc"):
        return place.rows("read", f"{table}.{name}", "--query", query, *more)

    def equal(*more):
        single = read("All", "-o", "readMode=ForceSingleMode")
        expect(len(single), 7_000)
        count = 0

        def distributed():
            nonlocal count
            rows = read("All", *forced, *more)
            count = len(rows)
            for a, b in zip(single, rows):
                expect(b, a)
        expect(new_exports(distributed), 1)
        expect((count, staged()), (7_000, 0))

    check("direct rows = rows through files, all types", lambda: equal())
    check("the same in named storage", lambda: equal(*storage))
    for codec in ["zstd", "gzip", "snappy"]:
        check(f"exported with {codec}", lambda c=codec: equal("-o", "kustoExportOptionsJson=" + json.dumps({"compressionType": c, "namePrefix": "ignored", "sizeLimit": "1"})))
    check("export options that are no JSON", lambda: place.fails("kustoExportOptionsJson", "read", f"{table}.All", *forced, "-o", "kustoExportOptionsJson=x", status=2))

    def pruned():
        rows = []
        expect(new_exports(lambda: rows.extend(read("All", *forced, query="where i < 20 | project i | order by i asc"))), 1)
        expect(rows, [[i] for i in range(20)])
        texts = [row["Text"].split("<|")[1] for row in command(".show commands") if "export async" in row["Text"].lower()]
        if not any("< 20" in text and "tolong" not in text for text in texts):
            raise AssertionError(f"neither columns nor filter were pushed: {texts}")

    check("columns and filters are in the export", pruned)
    check("an empty result exports nothing that stays", lambda: (expect(read("All", *forced, query="where i < 0"), []), expect(staged(), 0)))

    def chosen(wanted, name, query, rows):
        found = []
        expect(new_exports(lambda: found.extend(read(name, *storage, query=query))), wanted)
        expect((len(found), staged()), (rows, 0))

    check("5,000 rows come directly", lambda: chosen(0, "Many", "where i <= 5000 | project i", 5_000))
    check("5,001 rows come through files", lambda: chosen(1, "Many", "project i", 5_001))
    check("a filter that leaves few rows makes it direct", lambda: chosen(0, "Many", "where k == 3 and i < 100 | project i", 10))
    proxy = Faulty(url)

    def unknown():
        proxy.fault = lambda method, path, body: 500 if b"| count" in body or b"estimate_rows_count" in body else None
        rows = []
        expect(new_exports(lambda: rows.extend(place.rows("read", f"kusto:{proxy.url}/NetDefaultDB.Many", *storage, "--query", "where i < 5 | project i"))), 1)
        proxy.fault = None
        expect((len(rows), staged()), (4, 0))

    check("rows that cannot be counted come through files", unknown)

    # Exported files are looked for and fetched again when that fails.
    place.variables["PROXIED"] = json.dumps({"storageCredentials": [{"sasUrl": root.replace(url, proxy.url)}]})
    proxied = ["-o", "transientStorage=env:PROXIED"]

    def survived(method, fault, times=1):
        left = iter(range(times))
        proxy.fault = lambda command, path, body: fault if command == method and ".parquet" in path and next(left, None) is not None else None
        rows = read("All", *forced, *proxied)
        proxy.fault = None
        # All of them were met.
        expect(next(left, None), None)
        expect((rows == read("All", "-o", "readMode=ForceSingleMode"), staged()), (True, 0))

    for method in ["HEAD", "GET"]:
        for fault in [429, 500, 503, "drop", "lost"] + (["half", "length"] if method == "GET" else []):
            check(f"{method} of an exported file: {fault} is survived", lambda m=method, f=fault: survived(m, f))
        check(f"{method} of exported files: three of 503 are survived", lambda m=method: survived(m, 503, 3))

    def refused():
        proxy.fault = lambda method, path, body: "refuse" if method == "GET" and ".parquet" in path else None
        place.fails(".parquet", "read", f"{table}.All", *forced, *proxied, "--query", "where i > 0")
        proxy.fault = None
        expect(staged(), 0)

    check("exported files that are refused: an error, and nothing stays", refused)
    check("no rows: neither files nor an error", lambda: chosen(0, "Many", "where i < 0 | project i", 0))
    check("without storage rows come as one stream", lambda: expect(new_exports(lambda: read("Many")), 0))

    separate = ["-o", "queryFilterPushDown=false", *forced]
    twice = ["query", "A | join kind=inner (B) on i | count", "-t", f"A={table}.Many", "-t", f"B={table}.Many", *separate]

    def kept():
        expect(new_exports(lambda: expect(place.rows(*twice), [[5_001]])), 2)
        expect(new_exports(lambda: expect(place.rows(*twice, "-o", "distributedReadModeTransientCache=true"), [[5_001]])), 1)
        expect(staged(), 0)
        other = ["query", twice[1], "-t", f"A={table}", "-t", f"B={table}", "-o", "A.kustoQuery=Many | where i < 100", "-o", "B.kustoQuery=Many | where i < 10", *separate]
        expect(new_exports(lambda: expect(place.rows(*other, "-o", "distributedReadModeTransientCache=true"), [[9]])), 2)
        expect(staged(), 0)

    check("exported files are kept for the same text only", kept)
    check("a cache without exports", lambda: place.fails("distributedReadModeTransientCache", "read", f"{table}.Many", "-o", "distributedReadModeTransientCache=true", status=2))

    def verbatim():
        rows = []
        expect(new_exports(lambda: rows.extend(read("Many", *forced, "-o", "queryFilterPushDown=false", query="where i == 7 | project k"))), 1)
        text = [row["Text"] for row in command(".show commands") if "export async" in row["Text"].lower()]
        expect((rows, any("== 7" in t for t in text)), ([[7]], False))

    check("without push-down the query is exported as it is", verbatim)

    def limited():
        properties = ["-o", 'clientRequestPropertiesJson={"Options":{"truncationmaxrecords":10}}']
        expect(new_exports(lambda: place.fails("exceed", "read", f"{table}.Many", "-o", "readMode=ForceSingleMode", *properties, status=None)), 0)

    check("a forced direct read beyond the limits fails and exports nothing", limited)

    def slow():
        query = "kustoQuery=range x from 1 to 100000000000 step 1 | where hash(x) == 1 | count"
        place.fails("timed-out", "read", table, "-o", query, "-o", 'clientRequestPropertiesJson={"Options":{"servertimeout":"00:00:01"}}', status=None)

    check("a server's time limit ends a slow query", slow)

    def traced():
        read("Many", "-o", "requestId=run-4711", query="count")
        ids = [row["ClientActivityId"] for row in command(".show queries") if "run-4711" in row["ClientActivityId"]]
        if not ids or any(len(i.split(";")) != 4 for i in ids):
            raise AssertionError(str(ids))

    check("requests carry the run's id", traced)

    def probes(more):
        place.rows("read", f"{table}.Many", "-o", "requestId=" + more[0], "--query", "where i < 3 | project i", *more[1])
        return sum("take 0" in row["Text"] for row in command(".show queries") if more[0] in row["ClientActivityId"])

    check("one probe of the schema, none with a schema of one's own", lambda: (
        expect(probes(("probe-1", [])), 1), expect(probes(("probe-2", ["-o", "customSchema=i LONG, k LONG"])), 0)))
    check("a schema that is none", lambda: place.fails(["WRONG", "character"], "read", f"{table}.Many", "-o", "customSchema=i LONG, k WRONG", status=None))
    check("no database", lambda: place.fails("kustoDatabase", "read", f"kusto:{url}", "-o", "kustoQuery=T", status=2))
    check("no query", lambda: place.fails("kustoQuery", "read", table, status=2))

    def without_rights():
        broken = root.replace("sig=", "sig=x")
        place.fails("", "read", f"{table}.Many", *forced, *storage, TRANSIENT=json.dumps({"storageCredentials": [{"sasUrl": broken}]}))
        text = "\n".join(place.seen)
        if root.split("sig=")[1] in text:
            raise AssertionError("the signature was shown")

    check("storage that is not the server's is refused without its key", without_rights)

    # Push-down: what runs there.
    def pushed(query, text, rows):
        found = []
        found.extend(read("Many", query=query))
        expect(found, rows)
        texts = [row["Text"] for row in command(".show queries")]
        if not any(text in t for t in texts):
            raise AssertionError(f"{text!r} is in none of {texts}")

    # The embedded store answers some aggregates from its log.
    def logged():
        query = lambda text: place.rows("query", text, "--database", "db")  # noqa: E731
        place.run("query", ".create database db")
        query(".create table L (i:long, n:int, t:datetime, s:string)")
        aggregates = "summarize count(), min(i), max(i), min(n), max(n)"
        expect(query(f"L | {aggregates}"), query(f"L | where isnull(i) or true | {aggregates}"))
        for rows in ["5,-3,2020-01-01,a", "-9223372036854775807,,2021-01-01,b\n,,,", ",7,,", ",,,c", "12,2147483647,2019-01-01,"]:
            query(f".ingest inline into table L <|\n{rows}")
            # A filter that holds for all rows keeps the log out of it.
            expect(query(f"L | {aggregates}"), query(f"L | where strlen(s) >= 0 | {aggregates}"))
        out, _ = place.run("explain", "L | summarize max(i), count()", "--database", "db")
        if "Values" not in out or "Scan" in out:
            raise AssertionError(out)
        query(".delete table L records <| L | where i == 12")
        expect(query("L | summarize count(), max(i)"), [[5, 5]])

    check("aggregates of a table follow from its log", logged)
    check("aggregates run there", lambda: pushed("summarize n = count(), m = max(i) by k | order by k asc | take 2", "summarize", [[0, 500, 5000], [1, 501, 5001]]))
    check("the first rows of an order come from there", lambda: pushed("top 1 by i desc | project i", "top 1 by", [[5001]]))
    check("a table name that needs quotes", lambda: (command(".create table ['my-table'] (['by']: long, ['a b']: string)"), command(".ingest inline into table ['my-table'] <|\n1,x\n2,y"),
                                                     expect(place.rows("read", f"{table}.['my-table']", "--query", "where ['by'] > 1"), [[2, "y"]])))
    for text in ["T1 // x", "T1;", "T1 ; // y"]:
        check(f"a query that ends as {text!r}", lambda t=text: (command(".set-or-replace T1 <| print a = 1, b = 'x'"), expect(
            place.rows("read", table, "-o", f"kustoQuery={t}", "--filter", "a == 1", "--columns", "b"), [["x"]])))
    for value in ["it's", "a\\b", "x]y", "new\nline", "ü😀", "' or 1==1 //", '"', "h'x'", "```"]:
        def exact(v=value):
            quoted = json.dumps(v, ensure_ascii=False)
            command(f".set-or-replace V <| datatable(s:string)['other', {quoted}, 'x or 1==1']")
            expect(place.rows("read", f"{table}.V", "--filter", f"s == {quoted}"), [[v]])
        check(f"a filter with {value!r}", exact)
    check("a zone does not move datetimes", lambda: [expect(place.rows("read", f"{table}.All", "--filter", "t > datetime(0010-05-05T00:00:00Z) and t < datetime(0010-05-09T12:00:00Z)", "--columns", "i", TZ=zone),
                                                           place.rows("read", f"{table}.All", "--filter", "t > datetime(0010-05-05T00:00:00Z) and t < datetime(0010-05-09T12:00:00Z)", "--columns", "i", TZ="UTC"))
                                                    for zone in ["America/New_York", "Asia/Tokyo"]])
    check("a request property reaches the query", lambda: place.fails("", "read", table, "-o", "kustoQuery=declare query_parameters(n:long); T1 | where a == n", "-o", 'clientRequestPropertiesJson={"Parameters":{"n":"x y"}}', status=None))
    check("a query parameter changes the result", lambda: expect(place.rows(
        "read", table, "-o", "kustoQuery=declare query_parameters(n:long); T1 | where a == n", "-o", 'clientRequestPropertiesJson={"Parameters":{"n":"1"}}'), [[1, "x"]]))
    check("a command is no query", lambda: (place.fails("management command", "read", table, "-o", "kustoQuery=.drop table T1", status=2), expect(read("T1", query="count"), [[1]])))
    check("a schema of one's own", lambda: expect(place.rows("read", f"{table}.T1", "-o", "customSchema=a STRING, b STRING"), [["1", "x"]]))
    check("a misspelt option", lambda: place.fails("did you mean 'kustoQuery'", "read", table, "-o", "kustoQeury=T1", status=2))
    check("options in any case", lambda: expect(place.rows("read", "kusto:", "-o", f"KUSTOCLUSTER={url}", "-o", "KustoDatabase=NetDefaultDB", "-o", "kustoquery=T1"), [[1, "x"]]))


if __name__ == "__main__":
    judge(reads)
