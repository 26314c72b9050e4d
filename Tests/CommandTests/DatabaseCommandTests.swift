// Role: databases that stand elsewhere: in the store's own directory, twice at one place, taken away and brought back; extents of several tables.

import DataSource
import KustoStore
import Testing

@Suite struct DatabaseCommandTests {
  private func names(_ store: TemporaryStore) throws -> [[String]] { try store.run(".show databases | project DatabaseName", database: nil).rows }

  private func code(_ store: TemporaryStore, _ text: String, database: String? = nil) -> KConnectError.Code? {
    do {
      try store.run(text, database: database)
      return nil
    } catch { return (error as? KConnectError)?.code }
  }

  /// The place of a linked database is no database by itself, however deep it lies, and stays none when the link goes.
  @Test(arguments: ["telemetry-md", "data/telemetry/md"]) func placeInsideTheStore(_ place: String) throws {
    let store = try TemporaryStore()
    try store.run(".create database telemetry persist (@\"\(store.path)/\(place)\")", database: nil)
    #expect(try names(store) == [["telemetry"]])
    // The only database is the current one.
    try store.run(".set T <| print a = 1", database: nil)
    #expect(try store.run("T", database: nil).rows == [["1"]])
    #expect(try store.executor.store.databaseIfExists("telemetry-md") == nil)
    try store.run(".detach database telemetry", database: nil)
    #expect(try names(store) == [])
    try store.run(".attach database again from @\"\(store.path)/\(place)\"", database: nil)
    #expect(try names(store) == [["again"]])
    #expect(try store.run("T", database: nil).rows == [["1"]])
  }

  @Test func onePlaceHasOneName() throws {
    let store = try TemporaryStore()
    let place = store.path + "-elsewhere"
    defer { _ = FileSystem.system.removeTree(place) }
    try store.run(".create database E2 persist (@\"\(place)\")", database: nil)
    try store.run(".create database own", database: nil)
    #expect(code(store, ".attach database E3 from @\"\(place)\"") == .alreadyExists)
    #expect(code(store, ".create database E3 persist (@\"\(place)/.\")") == .alreadyExists)
    #expect(code(store, ".attach database E3 from @\"\(store.path)/own\"") == .alreadyExists)
    #expect(try names(store) == [["E2"], ["own"]])
    #expect(code(store, ".create database E2 persist (@\"\(place)\") ifnotexists") == nil)
  }

  @Test func aPlaceUnderTheNameOfTheDatabase() throws {
    let store = try TemporaryStore()
    #expect(code(store, ".create database telemetry persist (@\"\(store.path)/telemetry/md\")") == .usage)
    // Nothing is left in the way.
    try store.run(".create database telemetry", database: nil)
    #expect(try names(store) == [["telemetry"]])
  }

  @Test func aCommandWithoutDatabaseListsThem() throws {
    let store = try TemporaryStore()
    for name in ["A", "B"] { try store.run(".create database \(name)", database: nil) }
    let error = #expect(throws: KConnectError.self) { try store.run(".create table T (a:long)", database: nil) }
    #expect(error?.hint == "choose one with --database NAME; databases: A, B")
  }
  @Test func extentsOfSeveralTables() throws {
    let store = try CommandSessionTests.store()
    for name in ["A", "B", "C"] { try store.run(".set \(name) <| print a = 1") }
    #expect(try store.run(".drop-pretend extents from tables (A, B) | project TableName | order by TableName asc").rows == [["A"], ["B"]])
    #expect(try store.run("union A, B, C | count").rows == [["3"]])
    try store.run(".drop extents from tables (A, B)")
    #expect(try store.run("union withsource=t A, B, C | project t").rows == [["C"]])
  }

  @Test func tagsOfExtentsOfATime() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T with (tags='[\"x\"]', creationTime='2023-03-11') <| print a = 1")
    try store.run(".append T with (tags='[\"x\"]', creationTime='2023-04-11') <| print a = 2")
    try store.run(".drop table T extent tags ('x') with (extentCreatedOnFrom=datetime(2023-03-10), extentCreatedOnTo=datetime(2023-03-12))")
    #expect(try store.run("T | where array_length(extent_tags()) > 0 | project a").rows == [["2"]])
    try store.run(".drop extent tags from table T ('x')")
    #expect(try store.run("T | where array_length(extent_tags()) > 0 | count").rows == [["0"]])
  }

  /// What stands behind a command is read before the command does its work.
  @Test(arguments: [
    (".create table B (x:long); .create table C (x:long)", KConnectError.Code.notSupported), (".drop table A; prnt 1 2", .kqlSyntax), (".drop table A | where", .kqlSyntax),
    (".execute database script with (ThrowOnErrors=true) <| .create table B (x:long); .create table C (x:long)", .notSupported),
  ]) func mistakesBehindACommand(_ text: String, _ expected: KConnectError.Code) throws {
    let store = try CommandSessionTests.store()
    try store.run(".create table A (x:long)")
    #expect(code(store, text, database: "db") == expected)
    #expect(try store.run(".show tables | project TableName").rows == [["A"]])
  }

  @Test func oneDatabaseIsShownByItsName() throws {
    let store = try CommandSessionTests.store()
    try store.run(".create database other")
    #expect(try store.run(".show database | project DatabaseName").rows == [["db"]])
    #expect(try store.run(".show database other | project DatabaseName").rows == [["other"]])
    #expect(try store.run(".show database").columns == store.run(".show database identity").columns)
  }

  /// A table of a database that is not there is not the table's fault.
  @Test func missingDatabasesAreNamed() throws {
    let store = try CommandSessionTests.store()
    try store.run(".set T <| print a = 1")
    let error = #expect(throws: KConnectError.self) { try store.run("T | count", database: "dbb") }
    #expect(error?.code == .pathNotFound)
    #expect(error?.message == "there is no database 'dbb'")
    #expect(error?.hint == "did you mean 'db'?")
    #expect(try store.run("print 1", database: "dbb").rows == [["1"]])
    #expect(throws: KConnectError.self) { try store.run("print 1 | where nope == 1", database: "dbb") }
    for query in ["database('elsewhere').T", "database('elsewhere').F()"] {
      let error = #expect(throws: KConnectError.self) { try store.run(query) }
      #expect(error?.message.hasPrefix("database 'elsewhere' not found") == true)
      #expect(error?.hint == "databases: db")
    }
    #expect(try store.run("database('DB').T").rows == [["1"]])
  }
}
