import KConnect

let spark = try await Session.builder.appName("streaming").getOrCreate()
let schema = "start:datetime, state:string, type:string, deaths:long, damage:real, note:string"
try await spark.read.schema(schema).csv("storms.csv").limit(4).write.csv("incoming")

// Every batch is filtered and appended; the checkpoint remembers which files are done.
func deadlyStorms() async throws -> StreamingQuery {
  try await spark.readStream.format("csv").schema(schema).option("maxFilesPerTrigger", 1).load("incoming")
    .filter(col("deaths") > 0).select("start", "state", "deaths")
    .writeStream.format("parquet").option("checkpointLocation", "checkpoint").trigger(.availableNow).start("deadly")
}

let first = try await deadlyStorms()
try await first.awaitTermination()
print("batches of the first run:", first.recentProgress.map(\.batchId), "rows:", first.recentProgress.map(\.numOutputRows))

// New files arrive; the same query goes on where it stopped.
try await spark.read.schema(schema).csv("storms.csv").filter("deaths > 1").write.mode(.append).csv("incoming")
let second = try await deadlyStorms()
try await second.awaitTermination()
print("batches of the second run:", second.recentProgress.map(\.batchId), "rows:", second.recentProgress.map(\.numOutputRows))
print("the same query:", first.id == second.id)

try await spark.read.parquet("deadly").groupBy("state").agg(count(), sum("deaths").alias("deaths")).orderBy("state").show()
