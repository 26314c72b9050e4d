// Role: what wrong calls of the public API throw: code, and the words that help.

import KConnect
import Testing

@Suite struct ErrorTests {
  struct Wrong: Sendable, CustomTestStringConvertible {
    let name: String
    let code: KConnectError.Code
    let words: String
    let call: @Sendable (Session, DataFrame) async throws -> Void
    var testDescription: String { name }

    init(_ name: String, _ code: KConnectError.Code, _ words: String, _ call: @escaping @Sendable (Session, DataFrame) async throws -> Void) {
      self.name = name
      self.code = code
      self.words = words
      self.call = call
    }
  }

  static let wrongs: [Wrong] = [
    Wrong("select", .columnNotFound, "'kind'") { _, df in _ = try df.select("kin") },
    Wrong("filter column", .columnNotFound, "'deaths'") { _, df in _ = try df.filter(col("death") > 1) },
    Wrong("filter text", .columnNotFound, "deaths") { _, df in _ = try df.filter("death > 1") },
    Wrong("filter not bool", .typeMismatch, "bool") { _, df in _ = try df.filter("deaths + 1") },
    Wrong("drop", .columnNotFound, "kind") { _, df in _ = try df.drop("kinds") },
    Wrong("rename", .columnNotFound, "kind") { _, df in _ = try df.withColumnRenamed("kinds", "x") },
    Wrong("join key", .columnNotFound, "state") { _, df in _ = try df.join(df, on: "stat") },
    Wrong("join types", .typeMismatch, "one type") { _, df in _ = try df.join(df, on: [("state", "deaths")]) },
    Wrong("union width", .schemaMismatch, "columns") { _, df in _ = try df.union(df.select("kind")) },
    Wrong("union types", .schemaMismatch, "left") { _, df in _ = try df.select("kind").union(df.select("deaths")) },
    Wrong("show of a negative count", .usage, "show: found -1") { _, df in _ = try await df.showString(-1) },
    Wrong("otherwise without when", .usage, "otherwise() follows a column that is no when()") { _, df in _ = try df.select(col("kind").otherwise("x")) },
    Wrong("when behind a column", .usage, "when() follows a column that is no when()") { _, df in _ = try df.select(col("kind").when(col("deaths") > 1, "x")) },
    Wrong("unionByName", .schemaMismatch, "only left") { _, df in _ = try df.unionByName(df.select("kind")) },
    Wrong("not an aggregate", .usage, "aggregate") { _, df in _ = try df.groupBy("kind").agg(col("deaths")) },
    Wrong("unknown function", .functionNotFound, "strlen") { _, df in _ = try df.filter("strlenn(kind) > 1") },
    Wrong("unknown function by name", .functionNotFound, "'nosuchfunction'") { _, df in _ = try df.select(callFunction("nosuchfunction", col("kind"))) },
    Wrong("syntax", .kqlSyntax, "") { spark, df in _ = try spark.kql("T | where", tables: ["T": df]) },
    Wrong("unknown table", .kqlSemantic, "events") { spark, df in _ = try spark.kql("event | count", tables: ["events": df]) },
    Wrong("SQL", .notSupported, "KQL") { spark, _ in _ = try spark.sql("select 1") },
    Wrong("limit", .usage, "0 or more") { _, df in _ = try df.limit(-1) },
    Wrong("format", .usage, "'parquet'") { spark, _ in _ = try await spark.read.format("parqet").load("x") },
    Wrong("option", .optionUnknown, "'header'") { spark, _ in _ = try await spark.read.option("haeder", true).csv("x.csv") },
    Wrong("option value", .optionInvalid, "true or false") { spark, _ in _ = try await spark.read.option("header", "maybe").csv("x.csv") },
    Wrong("path", .pathNotFound, "/no/such") { spark, _ in _ = try await spark.read.csv("/no/such/file.csv") },
    Wrong("schema text", .usage, "character 3") { spark, _ in _ = try spark.read.schema("a:lonk") },
    Wrong("mode", .usage, "overwrite") { _, df in _ = try df.write.mode("overwrit") },
    Wrong("decimal too large", .valueInvalid, "tostring(d)") { spark, _ in
      _ = try await spark.kql("print d = decimal(1234567890123456789012345678901234)").write.mode("overwrite").parquet("/tmp/kconnect-never")
    },
    Wrong("partition column", .columnNotFound, "'nope'") { _, df in _ = try await df.write.partitionBy("nope").parquet("/tmp/kconnect-never") },
    Wrong("setting", .configuration, "'threads'") { _, _ in _ = try await Session.builder.config("thread", "2").getOrCreate() },
    Wrong("setting value", .configuration, "number") { _, _ in _ = try await Session.builder.config("threads", "many").getOrCreate() },
  ]

  @Test(arguments: wrongs) func says(_ wrong: Wrong) async throws {
    let spark = try await session()
    let frame = try spark.createDataFrame(events)
    await #expect { try await wrong.call(spark, frame) } throws: { error in
      guard let error = error as? KConnectError else { return false }
      let text = "\(error.message) \(error.hint ?? "") \(error.excerpt ?? "")"
      if error.code != wrong.code || !text.contains(wrong.words) { Issue.record("\(error.code): \(text)") }
      return error.code == wrong.code && text.contains(wrong.words)
    }
  }
}
