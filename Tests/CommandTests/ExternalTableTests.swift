// Role: external tables whose partitions stand in the paths of files: which files are read, and what their paths say.

import DataSource
import KustoStore
import Testing

@Suite struct ExternalTableTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var partitions: String
    var pathFormat: String
    /// Path of a file to its one line.
    var files: [(path: String, line: String)]
    var rows: [[String]]
    var testDescription: String { pathFormat }
  }

  static let cases: [Case] = [
    Case(
      partitions: "y:long, m:string", pathFormat: #"("y=" y "/m=" m)"#, files: [("y=2024/m=01/p.csv", "1"), ("a.csv", "9"), ("y=2024/b.csv", "9"), ("y=2025/m=02/deeper/p.csv", "2")],
      rows: [["1", "2024", "01"], ["2", "2025", "02"]]),
    Case(
      partitions: "Date:datetime", pathFormat: #"("Date=" datetime_pattern("yyyy/MM/dd", Date))"#,
      files: [("Date=2024/01/31/p.csv", "1"), ("Date=2024/13/01/p.csv", "9"), ("Date=2024/01/p.csv", "9"), ("2024/01/31/p.csv", "9")],
      rows: [["1", "2024-01-31T00:00:00.0000000Z"]]),
    Case(
      partitions: "Customer:string, Date:datetime", pathFormat: #"("customer=" Customer "/date=" datetime_pattern("yyyyMMdd", Date))"#,
      files: [("customer=John.Doe/date=20200131/p.csv", "1"), ("customer=a b/date=20200201/q.csv", "2"), ("customer=x/date=2020013/p.csv", "9")],
      rows: [["1", "John.Doe", "2020-01-31T00:00:00.0000000Z"], ["2", "a b", "2020-02-01T00:00:00.0000000Z"]]),
    Case(
      partitions: "Month:datetime", pathFormat: #"(datetime_pattern("'year='yyyy'/month='MM", Month))"#, files: [("year=2021/month=12/p.csv", "1"), ("year=2021/month=1/p.csv", "9")],
      rows: [["1", "2021-12-01T00:00:00.0000000Z"]]),
    Case(
      partitions: "Hour:datetime", pathFormat: #"("/logs/" datetime_pattern("year={yyyy}/{M}/{d}", Hour) "/h" datetime_pattern("HH", Hour) "-part")"#,
      files: [("logs/year=2021/2/3/h07-part/p.csv", "1"), ("logs/year=2021/12/13/h23-part/p.csv", "2"), ("logs/year=2021/12/13/h23-party/p.csv", "9")],
      rows: [["1", "2021-02-03T07:00:00.0000000Z"], ["2", "2021-12-13T23:00:00.0000000Z"]]),
    Case(
      partitions: "a:string, b:long", pathFormat: #"(a "-" b)"#, files: [("x-1/p.csv", "1"), ("none/p.csv", "9")], rows: [["1", "x", "1"]]),
  ]

  private func place(_ store: TemporaryStore) -> String { store.path + "-files" }

  private func write(_ files: [(path: String, line: String)], in directory: String) throws {
    for (path, line) in files {
      let target = joinPath(directory, path)
      _ = FileSystem.system.makeDirectories(parentPath(target))
      _ = try SmallFile.put((line + "\n").utf8, name: lastPathComponent(target), in: parentPath(target), fileSystem: .system)
    }
  }

  @Test(arguments: cases.indices) func pathsGiveThePartitions(_ i: Int) throws {
    let item = Self.cases[i]
    let store = try CommandSessionTests.store()
    let directory = place(store)
    defer { _ = FileSystem.system.removeTree(directory) }
    try write(item.files, in: directory)
    try store.run(".create external table E (v:long) kind=storage partition by (\(item.partitions)) pathformat=\(item.pathFormat) dataformat=csv (h@'\(directory)')")
    #expect(try store.run("external_table('E') | order by v asc").rows == item.rows)
    #expect(try store.run(".show external table E artifacts | count").rows == [["\(item.rows.count)"]])
    // The script makes the same table.
    let script = try store.run(".show database db schema as csl script | where DatabaseSchemaScript contains 'external table' | project DatabaseSchemaScript").rows.first?.first ?? ""
    try store.run(".drop external table E")
    try store.run(script)
    #expect(try store.run("external_table('E') | order by v asc").rows == item.rows)
  }

  @Test func columnsAreKnownWithoutFiles() throws {
    let store = try CommandSessionTests.store()
    let directory = place(store)
    defer { _ = FileSystem.system.removeTree(directory) }
    try store.run(".create external table E (v:long) kind=storage partition by (d:datetime) pathformat=(datetime_pattern('yyyy', d)) dataformat=csv (h@'\(directory)') with (includeHeaders='All')")
    #expect(try store.run(".show external table E cslschema | project Schema").rows == [["v:long,d:datetime"]])
    #expect(try store.run(".show external table E | project parse_json(Properties).IncludeHeaders").rows == [["\"All\""]])
    try write([("a.csv", "v")], in: directory)
    #expect(try store.run("external_table('E') | count").rows == [["0"]])
    try write([("2024/a.csv", "v\n7")], in: directory)
    #expect(try store.run("external_table('E') | where d < datetime(2025-01-01) | project v").rows == [["7"]])
    #expect(try store.run(".show external table E artifacts | project Partition").rows == [["{\"d\":\"2024-01-01T00:00:00.0000000Z\"}"]])
  }

  /// Files belong to the table whatever their names end with, unless it says what they begin or end with.
  @Test(arguments: [
    ("", ["1", "2", "3"]), ("with (fileExtension='.csv')", ["1", "3"]), ("with (fileExtension='.txt')", ["2"]), ("with (namePrefix='part')", ["3"]),
    ("with (namePrefix='part', fileExtension='.txt')", []),
  ])
  func filesAreChosenByTheProperties(_ properties: String, _ expected: [String]) throws {
    let store = try CommandSessionTests.store()
    let directory = place(store)
    defer { _ = FileSystem.system.removeTree(directory) }
    try write([("a.csv", "1,x"), ("b.txt", "2,x"), ("part-1.csv", "3,x"), ("_SUCCESS", "")], in: directory)
    try store.run(".create external table E (v:long, s:string) kind=storage dataformat=csv (h@'\(directory)') \(properties)")
    #expect(try store.run("external_table('E') | project v | order by v asc").rows.flatMap(\.self) == expected)
    #expect(try store.run(".show external table E artifacts | count").rows == [["\(expected.count)"]])
  }

  /// The header stands in the first file of each directory; names count by their numbers.
  @Test(arguments: [
    ("includeHeaders='FirstFile'", ["1", "2", "3", "4", "5", "6"]), ("includeHeaders='firstfile', namePrefix='f_1'", ["1", "4", "5"]), ("includeHeaders='None'", ["1", "2", "3", "4", "5", "6"]),
    ("includeHeaders='All'", ["1", "3", "5"]), ("ignoreFirstRecord=true, includeHeaders='FirstFile'", ["1", "3", "5"]),
  ])
  func headersOfFirstFiles(_ properties: String, _ expected: [String]) throws {
    let store = try CommandSessionTests.store()
    let directory = place(store)
    defer { _ = FileSystem.system.removeTree(directory) }
    try write([("f_10.csv", "4,x\n5,y"), ("f_2.csv", "2,x\n3,y"), ("f_1.csv", "a,b\n1,x"), ("deep/f_7.csv", "a,b"), ("deep/f_8.csv", "6,y")], in: directory)
    try store.run(".create external table E (a:long, b:string) kind=storage dataformat=csv (h@'\(directory)') with (\(properties))")
    #expect(try store.run("external_table('E') | where isnotnull(a) | project a | order by a asc").rows.flatMap(\.self) == expected)
  }

  /// An answer has a row for each file, that of a partition's rows: ".export to external table", "Output".
  @Test func exportsTellOfEachFile() throws {
    let store = try CommandSessionTests.store()
    let directory = place(store)
    defer { _ = FileSystem.system.removeTree(directory) }
    try store.run(".create external table E (v:long) kind=storage partition by (y:long, m:string) pathformat=(\"y=\" y \"/m=\" m) dataformat=csv (h@'\(directory)')")
    let rows = "datatable(v:long, y:long, m:string)[1, 2024, 'a', 2, 2024, 'a', 3, 2024, 'b', 4, 2025, 'a']"
    let told = try store.run(".export to table E <| " + rows)
    #expect(told.columns == "ExternalTableName:string Path:string NumRecords:long")
    #expect(told.rows.map { [$0[0], parentPath($0[1]), $0[2]] } == [["E", directory + "/y=2024/m=a", "2"], ["E", directory + "/y=2024/m=b", "1"], ["E", directory + "/y=2025/m=a", "1"]])
    #expect(told.rows.allSatisfy { pathKind($0[1]) == .file })
    let artifacts = try store.run(".show external table E artifacts | project Uri | order by Uri asc").rows
    #expect(artifacts == told.rows.map { [$0[1]] })
    #expect(try store.run(".export to table E <| " + rows + " | take 0").rows == [])
  }

  @Test func exportsGiveTheFirstFileAHeader() throws {
    let store = try CommandSessionTests.store()
    let directory = place(store)
    defer { _ = FileSystem.system.removeTree(directory) }
    try store.run(".create external table E (x:long) kind=storage dataformat=csv (h@'\(directory)') with (includeHeaders='FirstFile')")
    let files = try store.run(".export to table E with (sizeLimit=1000) <| range x from 1 to 200000 step 1").rows.count
    #expect(files > 1)
    #expect(try store.run("external_table('E') | summarize count(), sum(x)").rows == [["200000", "20000100000"]])
    // What comes later has none.
    try store.run(".export to table E <| print x = 7")
    #expect(try store.run("external_table('E') | summarize count(), countif(isnull(x))").rows == [["200001", "0"]])
    #expect(try store.run(".show external table E artifacts | count").rows == [["\(files + 1)"]])
    try store.run(".drop external table E")
    try store.run(".create external table E (x:long) kind=storage dataformat=csv (h@'\(directory)') with (includeHeaders='FirstFile', namePrefix='a')")
    try write([("az.csv", "x\n1")], in: directory)
    let error = #expect(throws: KConnectError.self) { try store.run(".export to table E <| print x = 7") }
    #expect(error?.code == .notSupported)
    try store.run(".create external table P (x:long) kind=storage partition by (p:string) dataformat=csv (h@'\(directory)/p') with (includeHeaders='FirstFile')")
    #expect(throws: KConnectError.self) { try store.run(".export to table P <| print x = 7, p = 'a'") }
  }

  /// A directory that nothing was exported to has no rows; a file that is not there is missed.
  @Test func directoriesThatAreNotThereYet() throws {
    let store = try CommandSessionTests.store()
    let directory = place(store)
    defer { _ = FileSystem.system.removeTree(directory) }
    try store.run(".create external table E (x:long) kind=storage dataformat=csv (h@'\(directory)')")
    #expect(try store.run("external_table('E') | count").rows == [["0"]])
    #expect(try store.run(".show external table E artifacts").rows == [])
    try store.run(".export to table E <| print x = 7")
    #expect(try store.run("external_table('E')").rows == [["7"]])
    try store.run(".create external table F (x:long) kind=storage dataformat=csv (h@'\(directory)/x.csv')")
    let error = #expect(throws: KConnectError.self) { try store.run("external_table('F')") }
    #expect(error?.code == .pathNotFound)
  }

  @Test func firstRecordsThatAreIgnoredAreHeaders() throws {
    let store = try CommandSessionTests.store()
    try store.run(".create external table E (x:long) kind=storage dataformat=csv (h@'/nowhere') with (ignoreFirstRecord=true)")
    #expect(try store.run(".show external table E | project parse_json(Properties).IncludeHeaders").rows == [["\"All\""]])
  }

  static let mistakes: [(clause: String, code: KConnectError.Code)] = [
    (#"partition by (d:datetime) pathformat=(datetime_pattern("MMM", d))"#, .notSupported), (#"partition by (d:string) pathformat=(datetime_pattern("yyyy", d))"#, .typeMismatch),
    (#"partition by (d:datetime, e:long) pathformat=(datetime_pattern("yyyy", d))"#, .usage), (#"partition by (d:datetime) pathformat=(datetime_pattern("yyyy", x))"#, .columnNotFound),
  ]

  @Test(arguments: mistakes.indices) func wrongPathFormats(_ i: Int) throws {
    let (clause, code) = Self.mistakes[i]
    let store = try CommandSessionTests.store()
    let error = #expect(throws: KConnectError.self) { try store.run(".create external table E (v:long) kind=storage \(clause) dataformat=csv (h@'/nowhere')") }
    #expect(error?.code == code)
  }

  /// Neither a pattern nor a value leads out of the table's directory.
  @Test func exportsStayInTheirDirectory() throws {
    let store = try CommandSessionTests.store()
    let place = joinPath(store.path + "-files", "place")
    for (i, pattern) in [#"datetime_pattern("'../outside/'yyyy", q)"#, #"datetime_pattern("yyyy'/../../../outside'", q)"#, #"datetime_pattern("'.'", q) "." datetime_pattern("'/a/'yyyy", q)"#].enumerated() {
      try store.run(".create external table E\(i) (d:datetime) kind=storage partition by (q:datetime=bin(d, 1d)) pathformat=(\(pattern)) dataformat=csv (h@'\(place)')")
      let error = #expect(throws: KConnectError.self) { try store.run(".export to table E\(i) <| print d=datetime(2026-01-02)") }
      #expect(error?.code == .notSupported && error?.message.contains("leads out") == true)
    }
    try store.run(".create external table V (n:long) kind=storage partition by (p:string) pathformat=(\".\" p) dataformat=csv (h@'\(place)')")
    try store.run(".export to table V <| print n=1, p='.'")
    #expect(pathKind(joinPath(place, ".%2E")) == .directory)
    _ = FileSystem.system.removeTree(store.path + "-files")
  }

  /// Paths that this process may not touch, of a table that another one has made.
  @Test func pathsAreGuarded() throws {
    let store = try CommandSessionTests.store()
    let place = store.path + "-files"
    try store.run(".create external table E (n:long) kind=storage dataformat=csv (h@'\(place)')")
    let guarded = CommandExecutor(store.executor.store, pathGuard: { _ in throw KConnectError(.permission, "not here") })
    for text in [".export to table E <| print n=1", "external_table('E')", ".show external table E artifacts"] {
      let error = #expect(throws: KConnectError.self) {
        let result = try guarded.execute(text, database: "db")
        for table in result.tables { _ = try result.rows(of: table) }
      }
      #expect(error?.code == .permission)
    }
    #expect(pathKind(place) != .directory)
  }

  @Test func aMappingIsNotIgnored() throws {
    let store = try CommandSessionTests.store()
    try store.run(".create external table E (v:long) kind=storage dataformat=csv (h@'/nowhere')")
    let error = #expect(throws: KConnectError.self) { try store.run("external_table('E', 'm')") }
    #expect(error?.code == .notSupported)
  }
}
