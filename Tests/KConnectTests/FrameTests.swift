// Role: transformations and actions of DataFrames, through the public API alone.

import KConnect
import Testing

struct Event: Codable, Equatable, Sendable {
  var state: String?
  var kind: String
  var deaths: Int
  var damage: Double?
}

let events = [
  Event(state: "TEXAS", kind: "Hail", deaths: 1, damage: 10),
  Event(state: "TEXAS", kind: "Flood", deaths: 0, damage: nil),
  Event(state: "OHIO", kind: "Hail", deaths: 2, damage: 2.5),
  Event(state: nil, kind: "Wind", deaths: 3, damage: 7),
  Event(state: "IOWA", kind: "Wind", deaths: 0, damage: 0),
]

@Suite struct FrameTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let rows: [String]
    let make: @Sendable (DataFrame) throws -> DataFrame
    var testDescription: String { name }

    init(_ name: String, _ rows: [String], _ make: @escaping @Sendable (DataFrame) throws -> DataFrame) {
      self.name = name
      self.rows = rows
      self.make = make
    }
  }

  static let ordered: [Case] = [
    Case("select names", ["TEXAS|1", "TEXAS|0", "OHIO|2", "null|3", "IOWA|0"]) { try $0.select("state", "deaths") },
    Case("select expressions", ["2", "0", "4", "6", "0"]) { try $0.select((col("deaths") * 2).alias("twice")) },
    Case("selectExpr", ["TEXAS!|2", "TEXAS!|1", "OHIO!|3", "!|4", "IOWA!|1"]) { try $0.selectExpr("s = strcat(state, '!')", "n = deaths + 1") },
    Case("filter column", ["OHIO|2", "null|3"]) { try $0.filter(col("deaths") >= 2).select("state", "deaths") },
    Case("filter KQL", ["TEXAS|Hail"]) { try $0.filter("state == 'TEXAS' and deaths > 0").select("state", "kind") },
    Case("and, or, not", ["Hail", "Wind"]) { try $0.filter((col("deaths") == 1 || col("deaths") == 3) && !(col("kind") == "Flood")).select("kind") },
    Case("value on the left", ["OHIO", "null"]) { try $0.filter(1 < col("deaths")).select("state") },
    Case("isNull", ["Wind"]) { try $0.filter(col("damage") > 5 && col("state").isNull()).select("kind") },
    Case("isNull of numbers", ["Flood"]) { try $0.filter(col("damage").isNull()).select("kind") },
    Case("isNotNull", ["4"]) { try $0.filter(col("damage").isNotNull()).agg(count()) },
    Case("isin", ["OHIO", "IOWA"]) { try $0.filter(col("state").isin("OHIO", "IOWA")).select("state") },
    Case("between", ["1", "2"]) { try $0.filter(col("deaths").between(1, 2)).select("deaths") },
    Case("contains is case-sensitive", ["Flood"]) { try $0.filter(col("kind").contains("loo")).select("kind") },
    Case("startsWith", ["Wind", "Wind"]) { try $0.filter(col("kind").startsWith("W")).select("kind") },
    Case("endsWith", ["Flood", "Wind", "Wind"]) { try $0.filter(col("kind").endsWith("d")).select("kind") },
    Case("rlike", ["Hail", "Hail"]) { try $0.filter(col("kind").rlike("^H.*l$")).select("kind") },
    Case("withColumn adds", ["1|1.5", "0|0.5"]) { try $0.select("deaths").limit(2).withColumn("half", col("deaths") + 0.5) },
    Case("withColumn replaces in place", ["1|Hail", "0|Flood"]) { try $0.select("state", "kind").limit(2).withColumn("state", when(col("kind") == "Hail", 1).otherwise(0)) },
    Case("when without otherwise", ["big", "null"]) { try $0.limit(2).select(when(col("deaths") > 0, "big").alias("size")).select(col("size").alias("s")) },
    Case("rename and drop", ["Hail|1"]) { try $0.withColumnRenamed("kind", "what").drop("state", "damage").limit(1) },
    Case("cast", ["10", "null", "2", "7", "0"]) { try $0.cast("damage", .long).select("damage") },
    Case("orderBy: nulls first ascending", ["null", "IOWA", "OHIO", "TEXAS", "TEXAS"]) { try $0.select("state").orderBy("state") },
    Case("orderBy: nulls last descending", ["TEXAS", "TEXAS", "OHIO", "IOWA", "null"]) { try $0.select("state").orderBy(col("state").desc()) },
    Case("orderBy: nulls where asked", ["0.0", "2.5", "7.0", "10.0", "null"]) { try $0.select("damage").sort(col("damage").ascNullsLast()) },
    Case("orderBy two keys", ["0|Flood", "0|Wind", "1|Hail", "2|Hail", "3|Wind"]) { try $0.select("deaths", "kind").orderBy(col("deaths").asc(), col("kind").asc()) },
    Case("limit", ["TEXAS", "TEXAS"]) { try $0.select("state").limit(2) },
    Case("agg without groups", ["6|0.0|10.0"]) { try $0.agg(sum("deaths"), min("damage"), max("damage")) },
    Case("kql", ["Hail|2", "Wind|2"]) { try $0.kql("summarize n = count() by kind | where n > 1 | order by kind asc") },
  ]

  @Test(arguments: ordered) func transforms(_ test: Case) async throws {
    let frame = try await session().createDataFrame(events)
    #expect(try await texts(test.make(frame)) == test.rows)
  }

  static let unordered: [Case] = [
    Case("groupBy count: null is a group", ["IOWA|1", "OHIO|1", "TEXAS|2", "null|1"]) { try $0.groupBy("state").count() },
    Case("groupBy agg", ["Flood|0|nan", "Hail|3|6.25", "Wind|3|3.5"]) { try $0.groupBy("kind").agg(sum("deaths"), avg("damage")) },
    Case("groupBy shorthands", ["Flood|0", "Hail|2", "Wind|3"]) { try $0.groupBy("kind").max("deaths") },
    Case("groupBy expression", ["false|3", "true|2"]) { try $0.groupBy((col("deaths") > 1).alias("many")).agg(count()) },
    Case("count of non-nulls", ["Flood|0", "Hail|2", "Wind|2"]) { try $0.groupBy("kind").agg(count("damage")) },
    Case("countDistinct", ["3"]) { try $0.agg(countDistinct("kind")) },
    Case("distinct", ["Flood", "Hail", "Wind"]) { try $0.select("kind").distinct() },
    Case("dropDuplicates keeps whole rows", ["true", "true", "true"]) { frame in
      let one = try frame.dropDuplicates("kind")
      return try one.join(frame.select("kind", "deaths").withColumnRenamed("deaths", "d"), on: "kind", how: .inner)
        .filter(col("d") == col("deaths")).select("kind").distinct().select((col("kind") != "").alias("found"))
    },
    Case("union", ["1", "1", "2", "2"]) { try $0.filter("deaths in (1, 2)").select("deaths").union($0.filter("deaths in (1, 2)").select("deaths")) },
    Case("unionByName with missing columns", ["1|null", "null|Hail"]) { try $0.limit(1).select("deaths").unionByName($0.limit(1).select("kind"), allowMissingColumns: true) },
  ]

  @Test(arguments: unordered) func sets(_ test: Case) async throws {
    let frame = try await session().createDataFrame(events)
    #expect(try await sortedTexts(test.make(frame)) == test.rows)
  }

  @Test func expressionOfAggregates() async throws {
    let frame = try await session().createDataFrame(events)
    let mean = try frame.groupBy("kind").agg((sum("deaths") + count()).alias("x"))
    #expect(mean.columns == ["kind", "x"])
    #expect(try await sortedTexts(mean) == ["Flood|1", "Hail|5", "Wind|5"])
  }

  struct Join: Sendable, CustomTestStringConvertible {
    let how: JoinType
    let rows: [String]
    var testDescription: String { how.rawValue }
  }

  @Test(arguments: [
    Join(how: .inner, rows: ["2|b|x"]),
    Join(how: .left, rows: ["1|a|null", "2|b|x", "null|c|null"]),
    Join(how: .right, rows: ["2|b|x", "3|null|y", "null|null|z"]),
    Join(how: .full, rows: ["1|a|null", "2|b|x", "3|null|y", "null|c|null", "null|null|z"]),
    Join(how: .leftSemi, rows: ["2|b"]),
    Join(how: .leftAnti, rows: ["1|a", "null|c"]),
  ]) func joins(_ test: Join) async throws {
    let spark = try await session()
    let left = try spark.createDataFrame(
      rows: [[.long(1), .string("a")], [.long(2), .string("b")], [.null(.long), .string("c")]], schema: StructType(ddl: "k:long, l:string"))
    let right = try spark.createDataFrame(
      rows: [[.long(2), .string("x")], [.long(3), .string("y")], [.null(.long), .string("z")]], schema: StructType(ddl: "k:long, r:string"))
    #expect(try await sortedTexts(left.join(right, on: "k", how: test.how)) == test.rows)
  }

  @Test func joinKeepsBothSidesNames() async throws {
    let spark = try await session()
    let frame = try spark.createDataFrame(rows: [[.long(1), .string("a")]], schema: StructType(ddl: "k:long, v:string"))
    #expect(try frame.join(frame, on: "k").columns == ["k", "v", "v1"])
    #expect(try await frame.crossJoin(frame).count() == 1)
    #expect(try await texts(frame.join(frame.withColumnRenamed("k", "other"), on: [("k", "other")])) == ["1|a|1|a"])
  }

  @Test func actions() async throws {
    let frame = try await session().createDataFrame(events)
    #expect(try await frame.count() == 5)
    #expect(try await frame.first()?["kind", as: String.self] == "Hail")
    #expect(try await frame.take(2).count == 2)
    #expect(try await frame.isEmpty() == false)
    #expect(try await frame.filter("deaths > 99").isEmpty())
    #expect(frame.schema.description == "state:string, kind:string, deaths:long, damage:real")
    #expect(try await frame.select("kind", "deaths").showString(2) == """
      ┌───────┬────────┐
      │ kind  │ deaths │
      ├───────┼────────┤
      │ Hail  │      1 │
      │ Flood │      0 │
      └───────┴────────┘
      only showing top 2 rows

      """)
    #expect(try await frame.filter("deaths > 1").explainString().isEmpty == false)
  }

  @Test func rangeAndStreams() async throws {
    let spark = try await session()
    #expect(try await spark.range(10).count() == 10)
    #expect(try await texts(spark.range(6, 0, step: -2)) == ["6", "4", "2"])
    #expect(try await spark.range(0).count() == 0)
    var rows = 0
    var last: Int64 = -1
    for try await batch in try spark.range(200_000).batches() {
      rows += batch.rowCount
      try batch.withInt64Column("id") { values, _ in
        for value in values {
          #expect(value == last + 1)
          last = value
        }
      }
    }
    #expect(rows == 200_000)
    // Leaving the loop early stops the query.
    for try await batch in try spark.range(100_000_000).batches() {
      #expect(batch.rowCount > 0)
      break
    }
  }

  @Test func cancellation() async throws {
    let spark = try await session()
    // Hours of work: that the task ends at all shows that cancelling stops it, whether it had begun or not.
    let frame = try spark.range(2_000_000_000_000).groupBy((col("id") % 1_000).alias("k")).count()
    let task = Task { try await frame.collect() }
    await Task.yield()
    task.cancel()
    await #expect(throws: KConnectError.self) { try await task.value }
  }
}
