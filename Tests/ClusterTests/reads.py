"""Reads from a cluster as one stream and through exported files: equal rows, whatever the types; the choice between the two; files kept for later
reads; nothing left behind."""

import json
import os

import requests

from support import check, expect, free_port, judge

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
        text = [row["Text"] for row in command(".show commands") if "export async" in row["Text"].lower()][-1]
        if "['l']" in text.split("<|")[1] or "20" not in text:
            raise AssertionError(f"neither columns nor filter were pushed: {text}")

    check("columns and filters are in the export", pruned)
    check("an empty result exports nothing that stays", lambda: (expect(read("All", *forced, query="where i < 0"), []), expect(staged(), 0)))

    def chosen(wanted, name, query, rows):
        found = []
        expect(new_exports(lambda: found.extend(read(name, *storage, query=query))), wanted)
        expect((len(found), staged()), (rows, 0))

    check("5,000 rows come directly", lambda: chosen(0, "Many", "where i <= 5000 | project i", 5_000))
    check("5,001 rows come through files", lambda: chosen(1, "Many", "project i", 5_001))
    check("a filter that leaves few rows makes it direct", lambda: chosen(0, "Many", "where k == 3 and i < 100 | project i", 10))
    check("without storage rows come as one stream", lambda: expect(new_exports(lambda: read("Many")), 0))

    twice = ["query", "A | join kind=inner (B) on i | count", "-t", f"A={table}.Many", "-t", f"B={table}.Many", *forced]

    def kept():
        expect(new_exports(lambda: expect(place.rows(*twice), [[5_001]])), 2)
        expect(new_exports(lambda: expect(place.rows(*twice, "-o", "distributedReadModeTransientCache=true"), [[5_001]])), 1)
        expect(staged(), 0)
        other = ["query", "A | where i < 100 | project i | join kind=inner (B | where i < 10 | project i) on i | count", *twice[2:]]
        expect(new_exports(lambda: expect(place.rows(*other, "-o", "distributedReadModeTransientCache=true"), [[9]])), 2)
        expect(staged(), 0)

    check("exported files are kept for the same text only", kept)
    check("a cache without exports", lambda: place.fails("distributedReadModeTransientCache", "read", f"{table}.Many", "-o", "distributedReadModeTransientCache=true", status=2))

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
