// A home's sensors. `home-telemetry generate FILE ROWS` makes readings as CSV, one in a thousand broken; without arguments the whole job
// runs on 20,000 of them: generate, read with a schema, drop what is broken, write Parquet by room, ask questions.
import KConnect

let spark = try await Session.builder.appName("home-telemetry").getOrCreate()

/// A reading every ten seconds, the rooms in turn. The values depend on the number alone, so every run makes the same file.
func readings(_ spark: Session, _ rows: Int) throws -> DataFrame {
  try spark.kql(
    """
    range n from 0 to \(rows - 1) step 1
    | extend time = datetime(2026-01-01) + n * 10s,
             noise = (n * 7919 + 104729) % 1000 / 1000.0,
             room = tostring(dynamic(['hall', 'kitchen', 'bath', 'attic', 'cellar'])[n % 5])
    | extend hour = datetime_part('hour', time)
    | extend celsius = round(17.0 + 4 * sin((hour - 9) * 0.2618) + 2 * noise + iff(room == 'cellar', -5.0, 0.0), 2),
             humidity = round(40 + 20 * noise + iff(room == 'bath', 15.0, 0.0), 1),
             co2 = toint(420 + 600 * noise + iff(room == 'kitchen' and hour between (17 .. 20), 300.0, 0.0)),
             watts = round(iff(hour between (6 .. 23), 180.0, 60.0) * (0.5 + noise), 1)
    | project time, room, sensor = toint(n % 40),
              celsius = iff(n % 1000 == 137, 'n/a', tostring(celsius)), humidity, co2, watts
    """)
}

if CommandLine.arguments.count == 4, CommandLine.arguments[1] == "generate", let rows = Int(CommandLine.arguments[3]), rows > 0 {
  try await readings(spark, rows).write.mode(.overwrite).csv(CommandLine.arguments[2])
} else {
  try await readings(spark, 20_000).write.mode(.overwrite).csv("readings.csv")

  let clean = try await spark.read.option(.parseMode, "DROPMALFORMED")
    .schema("time:datetime, room:string, sensor:int, celsius:real, humidity:real, co2:int, watts:real").csv("readings.csv")
  let written = try await clean.write.mode(.overwrite).partitionBy("room").parquet("readings")
  print("clean rows: \(written.rows), files: \(written.files)")

  let stored = try await spark.read.parquet("readings")
  try await stored.groupBy("room")
    .agg(count().alias("readings"), round(avg(col("celsius")), 2).alias("celsius"), max("co2").alias("co2"))
    .orderBy("room").show()
  try await stored.kql("where room == 'kitchen' and co2 > 1200 | summarize stale = count() by hour = datetime_part('hour', time) | order by hour asc").show()
}
