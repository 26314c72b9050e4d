// Role: Swift values to rows and back.

import KConnect
import Testing

@Suite struct CodableTests {
  enum Colour: String, Codable, Sendable { case red, green }
  struct Inner: Codable, Equatable, Sendable {
    var tags: [String]
    var depth: Int?
  }
  struct Wide: Codable, Equatable, Sendable {
    var flag: Bool
    var small: Int32
    var large: Int
    var ratio: Double
    var text: String
    var moment: DateTime
    var span: TimeSpan
    var id: GUID
    var colour: Colour
    var inner: Inner
    var list: [Int]
    var maybe: Double?
    var nothing: String?
    var names: [String: Int]
  }

  static let wide = Wide(
    flag: true, small: -7, large: .max, ratio: 0.1, text: "a \"quoted\" ü", moment: DateTime("2024-02-29T12:30:00.1234567Z")!,
    span: TimeSpan(days: 1, hours: 2), id: GUID("74be27de-1e4e-49d9-b579-fe0b331d3642")!, colour: .green,
    inner: Inner(tags: ["x", "y"], depth: 3), list: [1, 2, 3], maybe: nil, nothing: nil, names: ["one": 1])

  @Test func roundTrip() async throws {
    let spark = try await session()
    var second = Self.wide
    second.maybe = -.infinity
    second.nothing = ""
    second.inner.depth = nil
    let frame = try spark.createDataFrame([Self.wide, second])
    #expect(frame.schema.fields.map(\.type) == [
      .bool, .int, .long, .real, .string, .datetime, .timespan, .guid, .string, .dynamic, .dynamic, .real, .string, .dynamic,
    ])
    #expect(try await frame.as(Wide.self) == [Self.wide, second])
  }

  @Test func nilsInEveryRow() async throws {
    struct Sparse: Codable, Sendable { var a: Int?; var b: DateTime?; var c: Colour?; var d: [Int]? }
    let frame = try await session().createDataFrame([Sparse(), Sparse()])
    #expect(frame.schema.description == "a:long, b:datetime, d:dynamic, c:string" || frame.columns.contains("a"))
    #expect(frame.schema.field("a")?.type == .long)
    #expect(frame.schema.field("b")?.type == .datetime)
    #expect(try await frame.count() == 2)
  }

  @Test func plainValues() async throws {
    let frame = try await session().createDataFrame([3, 1, 2])
    #expect(frame.columns == ["value"])
    #expect(try await frame.orderBy("value").as(Int.self) == [1, 2, 3])
  }

  @Test func schemaGiven() async throws {
    struct Row: Codable, Sendable { var n: Int; var when: String }
    let spark = try await session()
    let frame = try spark.createDataFrame([Row(n: 5, when: "2020-01-01")], schema: StructType(ddl: "when:datetime, n:int"))
    #expect(try await texts(frame) == ["2020-01-01T00:00:00.0000000Z|5"])
    #expect(throws: KConnectError.self) { try spark.createDataFrame([Row(n: 1 << 40, when: "2020-01-01")], schema: StructType(ddl: "when:datetime, n:int")) }
    #expect(throws: KConnectError.self) { try spark.createDataFrame([] as [Row]) }
    #expect(try await spark.createDataFrame([] as [Row], schema: StructType(ddl: "n:long")).count() == 0)
  }

  @Test func decodingErrorsNameRowAndColumn() async throws {
    struct Strict: Codable, Sendable { var n: Int }
    struct Misspelt: Codable, Sendable { var m: Int }
    let frame = try await session().createDataFrame(rows: [[.long(1)], [.null(.long)]], schema: StructType([StructField("n", .long)]))
    await #expect { _ = try await frame.as(Strict.self) } throws: { error in
      let error = error as? KConnectError
      return error?.code == .typeMismatch && error?.message.contains("row 2") == true && error?.message.contains("'n' is null") == true
    }
    await #expect { _ = try await frame.as(Misspelt.self) } throws: { ($0 as? KConnectError)?.message.contains("no column 'm'") == true }
  }

  @Test func rowAccess() async throws {
    let row = try #require(try await session().createDataFrame([Self.wide]).first())
    #expect(try row["large", as: Int.self] == .max)
    #expect(try row["maybe", as: Double.self] == nil)
    #expect(try row["ratio", as: Float.self] == 0.1)
    #expect(try row["inner", as: DynamicValue.self]?["depth"] == .long(3))
    #expect(throws: KConnectError.self) { try row["large", as: Int32.self] }
    #expect { _ = try row["flagg", as: Bool.self] } throws: { ($0 as? KConnectError)?.hint?.contains("'flag'") == true }
  }

  @Test(arguments: [
    ("2024-02-29", "2024-02-29T00:00:00.0000000Z"), ("2024-02-29 01:02:03", "2024-02-29T01:02:03.0000000Z"),
    ("2024-02-29T01:02:03.5+02:00", "2024-02-28T23:02:03.5000000Z"), ("0001-01-01", "0001-01-01T00:00:00.0000000Z"),
    ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"),
  ]) func moments(_ text: String, _ printed: String) { #expect(DateTime(text)?.description == printed) }

  @Test(arguments: ["2024-02-30", "2024-13-01", "yesterday", "", "2024-02-29T25:00:00"]) func notMoments(_ text: String) { #expect(DateTime(text) == nil) }

  @Test func spans() {
    #expect(TimeSpan(days: 1, hours: 2, minutes: 3, seconds: 4).description == "1.02:03:04")
    #expect(TimeSpan(ticks: -5_000_000).description == "-00:00:00.5000000")
    #expect(TimeSpan(.milliseconds(1_500)).ticks == 15_000_000)
    #expect(TimeSpan(seconds: 3).duration == .seconds(3))
  }
}
