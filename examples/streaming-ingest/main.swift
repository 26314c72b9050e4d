// The structured-streaming program of the Kusto connector's documentation, line by line: CSV files that appear in a directory go into a table.
// No cluster is named, so the table is one of the embedded store.
import KConnect

let spark = try await Session.builder.appName("streaming-ingest").getOrCreate()
let database = "Samples", table = "StreamedStorms"

// Set up a checkpoint.
try spark.conf.set("spark.sql.streaming.checkpointLocation", "temp/checkpoint")

// Files arrive in the directory while the program runs; here they are there already.
let dirpath = "csvs"
try await spark.read.csv("storms.csv").select("start", "state", "deaths").write.csv(dirpath)

// Read from a streaming source.
let customSchema = StructType().add("start", .datetime).add("state", .string, nullable: true).add("deaths", .long, nullable: true)
let csvDf = try await spark.readStream.schema(customSchema).csv(dirpath)

// As an alternative to adding .option by .option, you can provide a map.
let conf = [
  "kustoDatabase": database,
  "kustoTable": table,
  "tableCreateOptions": "CreateIfNotExist",
]

// Write to a Kusto table from a streaming source.
let kustoQ = csvDf
  .writeStream
  .format("com.microsoft.kusto.spark.datasink.KustoSinkProvider")
  .options(conf)
  .trigger(.once)

let ended = try await kustoQ.start().awaitTermination(timeout: .seconds(480))
print("ended:", ended)

// Started again with the same checkpoint, the query takes only what is new: nothing.
let again = try await kustoQ.start()
try await again.awaitTermination()
print("batches of the second run:", again.recentProgress.count)

try await spark.read.format("kusto").option("kustoDatabase", database).option("kustoQuery", "\(table) | summarize storms = count(), deaths = sum(deaths) by state | order by state asc").load().show()
