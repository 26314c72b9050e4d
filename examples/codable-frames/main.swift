// Swift values to DataFrames and back: properties are columns, nested values are dynamic.
import KConnect

struct Place: Codable {
  var floor: Int
  var tags: [String]
}

struct Reading: Codable {
  var time: DateTime
  var room: String
  var celsius: Double?
  var place: Place
}

struct Warmth: Codable {
  var room: String
  var mean: Double
  var readings: Int
}

let spark = try await Session.builder.appName("codable-frames").getOrCreate()
let noon = DateTime(year: 2026, month: 6, day: 1, hour: 12)!
let readings = (0..<12).map { i in
  Reading(
    time: noon + TimeSpan(minutes: 5 * i), room: i % 3 == 0 ? "attic" : "hall", celsius: i == 4 ? nil : 20 + Double(i) / 4,
    place: Place(floor: i % 3 == 0 ? 2 : 0, tags: ["wired", "no \(i)"]))
}

let frame = try spark.createDataFrame(readings)
frame.printSchema()

let warm = try frame.filter(col("celsius").isNotNull())
  .groupBy("room").agg(round(avg(col("celsius")), 2).alias("mean"), count().alias("readings")).orderBy(col("mean").desc())
for row in try await warm.as(Warmth.self) { print(row.room, row.mean, row.readings) }

let upstairs = try await frame.filter("place.floor > 0").orderBy("time").as(Reading.self)
print(upstairs.map { "\($0.time) \($0.place.tags[1])" }.joined(separator: "\n"))
