#!/usr/bin/env python3
"""Measures streams: whole processes, checkpoint and fsync on.

    Benchmarks/stream.py KCONNECT [--tasks empty,arrival,seen,memory,files] [--runs N] [--pyspark PYTHON] [--json FILE]

    empty    one trigger that finds nothing
    arrival  from a file's rename into the directory to its rows in the target, as fast as batches go
    seen     one trigger over a directory of 100,000 files that were read before: without news, with a new file, and a whole run without news
    memory   resident memory after 1,000 and after 10,000 batches, of generated rows and of files
    files    200 CSV files of 5,000 rows, 10 files a batch, filtered into Parquet; with --pyspark also in Spark's local mode, in the same run
"""
import argparse, json, os, random, shutil, statistics, subprocess, sys, tempfile, time

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("kconnect")
parser.add_argument("--tasks", default="empty,arrival,seen,memory,files")
parser.add_argument("--runs", type=int, default=5)
parser.add_argument("--seen", type=int, default=100_000, help="files of the task seen")
parser.add_argument("--batches", type=int, default=10_000, help="batches of the task memory")
parser.add_argument("--pyspark", help="a Python with pyspark")
parser.add_argument("--json")
arguments = parser.parse_args()
KCONNECT = os.path.abspath(arguments.kconnect)
BASE = tempfile.mkdtemp(prefix="kconnect-stream-bench-")
SCHEMA = ["--schema", "id:long, name:string, value:real"]
results = {}


def report(task, **values):
    results[task] = values
    print("%-8s %s" % (task, ", ".join("%s %s" % (k.replace("_", " "), ("%.3g" % v) if isinstance(v, float) else v) for k, v in values.items())), flush=True)


def place(name):
    path = os.path.join(BASE, name)
    os.makedirs(os.path.join(path, "in"))
    return path


def write_csv(path, rows, seed):
    chance = random.Random(seed)
    with open(path, "w") as file:
        file.write("id,name,value\n")
        file.writelines("%d,name %d,%.3f\n" % (i, chance.randrange(1000), chance.random() * 100) for i in range(rows))


def stream(*words):
    return [KCONNECT, "stream", "--from", "csv:in", "--to", "parquet:out", "--checkpoint", "cp", *SCHEMA, *words]


def run(path, *words):
    begun = time.perf_counter()
    done = subprocess.run(stream(*words), cwd=path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return time.perf_counter() - begun


def per_empty_trigger(path, seconds):
    """Milliseconds of a trigger that finds nothing: a run of so many seconds, less the 10 ms it waits between two."""
    metrics = os.path.join(path, "metrics.prom")
    run(path, "--timeout", "%ds" % seconds, "--metrics-file", metrics, "--quiet")
    count = next(int(line.split()[1]) for line in open(metrics) if line.startswith("kconnect_stream_empty_triggers "))
    return max(0.0, seconds * 1000 / count - 10), count


def empty():
    path = place("empty")
    write_csv(os.path.join(path, "in", "a.csv"), 10, 1)
    run(path, "--trigger", "available-now", "--quiet")
    ms, count = per_empty_trigger(path, 3)
    report("empty", ms_per_trigger=ms, triggers=count)


def arrival():
    path = place("arrival")
    write_csv(os.path.join(path, "in", "first.csv"), 10, 1)
    process = subprocess.Popen(stream("--quiet"), cwd=path, stderr=subprocess.DEVNULL)
    out = os.path.join(path, "out", "_kconnect")

    def batches():
        return sum(name.endswith(".json") for _, _, names in os.walk(out) for name in names)

    while batches() < 1:
        time.sleep(0.005)
    times = []
    for i in range(30):
        draft = os.path.join(path, "draft")
        write_csv(draft, 10, i)
        before = batches()
        begun = time.perf_counter()
        os.rename(draft, os.path.join(path, "in", "n%d.csv" % i))
        while batches() == before:
            time.sleep(0.0005)
        times.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.03)
    process.terminate()
    process.wait()
    report("arrival", median_ms=statistics.median(times), p90_ms=sorted(times)[26], goal_ms=50)


def seen():
    path = place("seen")
    for i in range(arguments.seen):
        with open(os.path.join(path, "in", "%06d.csv" % i), "w") as file:
            file.write("id,name,value\n%d,a,1\n" % i)
    first = run(path, "--trigger", "available-now", "-o", "maxFilesPerTrigger=0", "--quiet")
    ms, count = per_empty_trigger(path, 5)
    again = statistics.median(run(path, "--trigger", "available-now", "--quiet") for _ in range(arguments.runs))
    listing, visible = with_news(path)
    report("seen", files=arguments.seen, read_all_s=first, ms_per_trigger=ms, ms_to_list_with_a_new_file=listing, ms_per_trigger_with_a_new_file=visible,
           whole_run_without_news_ms=again * 1000, goal_ms=100)


def with_news(path):
    """Median milliseconds to find a new file among those that were read, and of the whole trigger; two turns of compaction are among them."""
    process = subprocess.Popen(stream("--progress", "json"), cwd=path, stderr=subprocess.PIPE, text=True)
    listing, whole = [], []
    for i in range(25):
        draft = os.path.join(path, "draft")
        write_csv(draft, 10, i)
        os.rename(draft, os.path.join(path, "in", "new%d.csv" % i))
        spent = json.loads(process.stderr.readline())["durationMs"]
        listing.append(spent["latestOffset"])
        whole.append(spent["triggerExecution"])
    process.terminate()
    process.wait()
    return statistics.median(listing), statistics.median(whole)


def memory():
    rate = ["--from", "rate-micro-batch:", "-o", "rowsPerBatch=100"]
    files = ["--from", "csv:in", "--schema", "a:long", "-o", "maxFilesPerTrigger=1", "--trigger", "available-now"]
    for name, source in (("memory", rate), ("memory-files", files)):
        path = place(name)
        if source is files:
            for i in range(arguments.batches):
                with open(os.path.join(path, "in", "%06d.csv" % i), "w") as file:
                    file.write("a\n%d\n" % i)
        process = subprocess.Popen(
            [KCONNECT, "stream", *source, "--to", "csv:out", "--checkpoint", "cp", "--max-batches", str(arguments.batches), "--progress", "json"],
            cwd=path, stderr=subprocess.PIPE, text=True)
        begun, sizes = time.perf_counter(), {}
        for line in process.stderr:
            try:
                batch = json.loads(line).get("batchId")
            except ValueError:
                continue
            if batch in (arguments.batches // 10, arguments.batches // 2, arguments.batches - 2):
                status = open("/proc/%d/status" % process.pid).read()
                sizes[batch] = int(status.split("VmRSS:")[1].split()[0]) / 1024
        process.wait()
        report(name, **{"MB_at_%d" % b: s for b, s in sizes.items()}, ms_per_batch=(time.perf_counter() - begun) * 1000 / arguments.batches)


SPARK = """
import sys, time
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
begun = time.time()
query = (spark.readStream.schema("id long, name string, value double").option("header", True).option("maxFilesPerTrigger", 10).csv("in")
         .where("value < 50").writeStream.format("parquet").option("checkpointLocation", "spark-cp").trigger(availableNow=True).start("spark-out"))
query.awaitTermination()
print(time.time() - begun)
"""


def files():
    path = place("files")
    for i in range(200):
        write_csv(os.path.join(path, "in", "%03d.csv" % i), 5_000, i)
    times = []
    for _ in range(arguments.runs):
        for name in ("out", "cp"):
            shutil.rmtree(os.path.join(path, name), ignore_errors=True)
        times.append(run(path, "--trigger", "available-now", "-o", "maxFilesPerTrigger=10", "--query", "where value < 50", "--quiet"))
    values = {"median_s": statistics.median(times), "best_s": min(times), "goal_s": 0.8}
    if arguments.pyspark:
        begun = time.perf_counter()
        done = subprocess.run([arguments.pyspark, "-c", SPARK], cwd=path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(done.stderr[-3000:])
        values.update(spark_process_s=time.perf_counter() - begun, spark_query_s=float(done.stdout.split()[-1]))
        values["ratio_to_spark_query"] = values["spark_query_s"] / values["median_s"]
    report("files", **values)


print("load of the machine at the start: %.1f on %d cores" % (os.getloadavg()[0], os.cpu_count()), flush=True)
try:
    for task in arguments.tasks.split(","):
        {"empty": empty, "arrival": arrival, "seen": seen, "memory": memory, "files": files}[task]()
finally:
    shutil.rmtree(BASE, ignore_errors=True)
if arguments.json:
    with open(arguments.json, "w") as file:
        json.dump(results, file, indent=1)
