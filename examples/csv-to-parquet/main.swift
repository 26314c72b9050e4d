import KConnect

let spark = try await Session.builder.appName("storms").getOrCreate()
let storms = try await spark.read.csv("storms.csv")
let deadly = try storms.filter(col("deaths") > 0)
  .groupBy("state").agg(sum("deaths").alias("deaths"), max("damage").alias("worst"), count())
try await deadly.write.mode(.overwrite).parquet("deadly.parquet")

let top = try await spark.read.parquet("deadly.parquet").orderBy(col("deaths").desc(), col("state")).limit(3)
try await top.show()
