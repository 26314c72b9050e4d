// Role: stores, databases and tables as directories: making, naming, finding, dropping; the format mark.

import Columnar
import DataSource
import KustoStore
import Testing

struct NameCase: CustomTestStringConvertible {
  let name: String
  let directory: String?
  var testDescription: String { name }
}

@Suite struct StoreTests {
  @Test(arguments: [
    NameCase(name: "plain", directory: "plain"), NameCase(name: "With Space", directory: "With Space"), NameCase(name: "a/b", directory: "a%2Fb"),
    NameCase(name: "..", directory: "%2E."), NameCase(name: "_delta_log", directory: "%5Fdelta_log"), NameCase(name: ".dropped", directory: "%2Edropped"),
    NameCase(name: "naïve 表", directory: "na%C3%AFve %E8%A1%A8"), NameCase(name: "100%", directory: "100%25"), NameCase(name: "end ", directory: "end%20"),
    NameCase(name: "", directory: nil), NameCase(name: "a\nb", directory: nil),
  ])
  func names(_ it: NameCase) throws {
    guard let directory = it.directory else {
      #expect(throws: KConnectError.self) { try StoreNames.encode(it.name, kind: "table") }
      return
    }
    #expect(try StoreNames.encode(it.name, kind: "table") == directory)
    #expect(StoreNames.decode(directory) == it.name)
  }

  @Test func opensOnlyStores() throws {
    let test = try TestStore()
    #expect(try test.reopened().format.id == test.store.format.id)
    #expect(throws: KConnectError.self) { try Store.open(test.path + "/nothing") }
    let other = test.path + "/other"
    _ = FileSystem.system.makeDirectory(other)
    _ = FileSystem.system.makeDirectory(other + "/something")
    #expect { try Store.open(other, create: true) } throws: { ($0 as? KConnectError)?.code == .configuration }
  }

  @Test func refusesNewerFormats() throws {
    let test = try TestStore()
    let mark = test.path + "/_kconnect/store.json"
    #expect(FileSystem.system.remove(mark) == 0)
    let file = try OutputFile(creating: mark)
    try Array("{\"format\":\"kconnect-store\",\"version\":9,\"id\":\"x\"}".utf8).withUnsafeBytes { try file.write($0) }
    try file.close()
    #expect { try test.reopened() } throws: { error in
      (error as? KConnectError)?.code == .notSupported && "\(error)".contains("version 9")
    }
  }

  @Test func databasesAndTables() throws {
    let test = try TestStore()
    let database = try test.store.createDatabase("my db")
    #expect(throws: KConnectError.self) { try test.store.createDatabase("my db") }
    let description = TableDescription(
      "T 1", schema: try StructType(ddl: "a:int, ['b c']:guid, d:dynamic, t:timespan"), docstring: "doc", folder: "f/g", columnDocstrings: ["a": "first"])
    try database.createTable(description)
    let other = try test.reopened().database("my db")
    #expect(try other.tableNames() == ["T 1"])
    let found = try other.table("T 1").snapshot().description
    #expect(found.schema == description.schema)
    #expect(found.docstring == "doc")
    #expect(found.folder == "f/g")
    #expect(found.columnDocstrings == ["a": "first"])
    #expect(found.id == description.id)
    #expect { try other.table("T 2") } throws: { "\($0)".contains("did you mean 'T 1'") }
    try other.dropTable("T 1")
    #expect(try database.tableNames().isEmpty)
    #expect(try database.tableIfExists("T 1") == nil)
    try test.store.dropDatabase("my db")
    #expect(try test.store.databaseNames().isEmpty)
  }

  @Test(arguments: ["a:int, A:long", "['_kconnect_x']:int", "['$ExtentId']:guid"])
  func refusesColumns(_ ddl: String) throws {
    let test = try TestStore()
    let database = try test.store.createDatabase("db")
    #expect { try database.createTable(TableDescription("T", schema: try StructType(ddl: ddl))) } throws: { ($0 as? KConnectError)?.code == .schemaMismatch }
  }

  @Test func renamesKeepTheTable() throws {
    let test = try TestStore()
    let a = try test.table("A"), b = try test.table("B"), c = try test.table("C")
    try a.ingest([numbered(1...3)])
    try b.ingest([numbered(11...12)])
    let database = a.database
    let before = try a.snapshot()
    try database.renameTables([("A", "X")])
    #expect(try database.table("X").id == a.id)
    // A handle and a snapshot from before go on.
    try a.ingest([numbered(4...4)])
    #expect(try ids(database.table("X")) == [1, 2, 3, 4])
    #expect(try rows(before.rows()).count == 3)
    try database.renameTables([("X", "B"), ("B", "X")])
    #expect(try ids(database.table("B")) == [1, 2, 3, 4])
    try database.renameTables([("B", "C"), ("C", "X"), ("X", "B")])
    #expect(try database.table("C").id == a.id)
    #expect(try database.table("X").id == c.id)
    #expect(try database.table("B").id == b.id)
    #expect { try database.renameTables([("B", "C")]) } throws: { ($0 as? KConnectError)?.code == .alreadyExists }
    try database.dropTable("C")
    #expect(throws: KConnectError.self) { try a.ingest([numbered(5...5)]) }
    #expect(try rows(before.rows()).count == 3)
  }
}
