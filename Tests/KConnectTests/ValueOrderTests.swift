// Role: the documented rules of NaN, -0.0 and null in sorting, grouping, joining and comparing.

import KConnect
import Testing

@Suite struct ValueOrderTests {
  private func reals() async throws -> DataFrame {
    try await session().createDataFrame(
      rows: [.real(1), .real(.nan), .null(.real), .real(-.infinity), .real(-0.0), .real(0.0), .real(.infinity), .real(.nan)].map { [$0] },
      schema: StructType(ddl: "x:real"))
  }

  @Test func ascending() async throws {
    #expect(try await texts(reals().orderBy("x")) == ["null", "nan", "nan", "-inf", "-0.0", "0.0", "1.0", "inf"])
  }

  @Test func descending() async throws {
    #expect(try await texts(reals().orderBy(col("x").desc())) == ["inf", "1.0", "-0.0", "0.0", "-inf", "nan", "nan", "null"])
  }

  @Test func grouping() async throws {
    let counts = try await reals().groupBy("x").count()
    #expect(try await counts.count() == 6)
    #expect(try await texts(counts.filter("isnan(x)").select("count")) == ["2"])
    #expect(try await texts(counts.filter("x == 0").select("count")) == ["2"])
    #expect(try await texts(counts.filter(col("x").isNull()).select("count")) == ["1"])
  }

  @Test func distinctAndJoin() async throws {
    #expect(try await reals().distinct().count() == 6)
    // Null keys match nothing; -0.0 matches 0.0.
    let zero = try await session().createDataFrame(rows: [[.real(0.0)], [.null(.real)]], schema: StructType(ddl: "x:real"))
    #expect(try await reals().join(zero, on: "x").count() == 2)
  }

  @Test func comparisons() async throws {
    #expect(try await reals().filter(col("x") == col("x")).count() == 5)
    #expect(try await reals().filter(col("x") > 0.0).count() == 2)
    #expect(try await reals().filter(!(col("x") > 0.0)).count() <= 6)
  }
}
