// Role: graph models and their snapshots as the reference describes them.

import Columnar
import DataSource
import KQL
import KustoStore
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite struct GraphModelTests {
  private static let model = #"""
    {
      "Schema": {"Nodes": {"Ship": {"Name": "string", "Crew": "long", "Flag": "string"}}, "Edges": {"Carries": {"Tons": "real"}}},
      "Definition": {"Steps": [
        {"Kind": "AddNodes", "Query": "Ships | project Id, Name, Crew, Class", "NodeIdColumn": "Id", "Labels": ["Ship"], "LabelsColumn": "Class"},
        {"Kind": "AddNodes", "Query": "Ports", "NodeIdColumn": "Code", "Labels": ["Port"]},
        {"Kind": "AddNodes", "Query": "Renamed", "NodeIdColumn": "Id", "Labels": ["Veteran"]},
        {"Kind": "AddEdges", "Query": "Calls", "SourceColumn": "ship", "TargetColumn": "port", "Labels": ["CallsAt"]},
        {"Kind": "AddEdges", "Query": "Loads | project ship, cargo, Tons", "SourceColumn": "ship", "TargetColumn": "cargo", "Labels": ["Carries"]}
      ]}
    }
    """#

  /// Ships that call at ports and carry cargoes; the cargo has no node of its own.
  private static func fleet() throws -> TemporaryStore {
    let store = try CommandSessionTests.store()
    for text in [
      ".set Ships <| datatable(Id: string, Name: string, Crew: int, Class: string)['s1', 'Alba', 12, 'Reefer', 's2', 'Bora', 20, '']",
      ".set Ports <| datatable(Code: string, Name: string)['RTM', 'Rotterdam', 'HAM', 'Hamburg']",
      ".set Renamed <| datatable(Id: string, Name: string)['s2', 'Borealis']",
      ".set Calls <| datatable(ship: string, port: string, day: int)['s1', 'RTM', 1, 's1', 'HAM', 4, 's2', 'RTM', 2]",
      ".set Loads <| datatable(ship: string, cargo: string, Tons: long)['s1', 'fruit', 900]",
      ".create-or-alter graph_model Fleet ```\(model)```",
    ] { try store.run(text) }
    return store
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var query: String
    var rows: [[String]]
    var testDescription: String { query }
  }

  private static let cases = [
    Case(
      query: "graph-match (s)-[c]->(p) where labels(c) has 'CallsAt' and labels(p) has 'Port' project s.Name, p.Name, c.day | order by s_Name asc, p_Name asc",
      rows: [["Alba", "Hamburg", "4"], ["Alba", "Rotterdam", "1"], ["Borealis", "Rotterdam", "2"]]),
    // Static labels, those of a column, and those of a later step; a declared property that no query gives.
    Case(
      query: "graph-match (s) where labels(s) has 'Ship' project s.Id, s.Name, labels(s), isempty(s.Flag), s.Crew | order by s_Id asc",
      rows: [["s1", "Alba", #"["Ship","Reefer"]"#, "true", "12"], ["s2", "Borealis", #"["Ship","Veteran"]"#, "true", "20"]]),
    // An end of an edge that no step adds is a node without properties and labels.
    Case(query: "graph-match (s)-[l]->(c) where labels(l) has 'Carries' project s.Name, node_id(c), labels(c), l.Tons", rows: [["Alba", "fruit", "[]", "900"]]),
    Case(query: "graph-to-table nodes | getschema | project ColumnName, ColumnType | where ColumnName startswith '$' or ColumnName == 'Crew'", rows: [["Crew", "long"]]),
    Case(query: "graph-to-table edges | summarize count(), countif(isnotnull(Tons))", rows: [["4", "1"]]),
    Case(query: "graph-match (a)-[e*1..2]-(b) where node_id(a) == 's2' and all(e, labels() has 'CallsAt') project node_id(b) | order by node_id asc", rows: [["RTM"], ["s1"]]),
    Case(query: "graph-where-edges labels() has 'CallsAt' and day < 3 | graph-match (s)-[]->(p) project s.Id | order by s_Id asc", rows: [["s1"], ["s2"]]),
  ]

  @Test(arguments: cases) func modelsAndSnapshotsAnswerAlike(_ c: Case) throws {
    let store = try Self.fleet()
    let rows = try store.run("graph('Fleet') | \(c.query)").rows
    #expect(rows == c.rows, "\(rows)")
    try store.run(".make graph_snapshot Monday from Fleet")
    for table in ["Ships", "Ports", "Calls", "Loads", "Renamed"] { try store.run(".clear table \(table) data") }
    for graph in ["graph('Fleet')", "graph('Fleet', 'Monday')", "graph('Fleet', snapshot='Monday')", "graph('Fleet', false)"] {
      #expect(try store.run("\(graph) | \(c.query)").rows == c.rows)
    }
    #expect(try store.run("graph('Fleet', true) | graph-match (a)-[e]->(b) project a.Id").rows == [])
  }

  @Test func commandsShowAndDrop() throws {
    let store = try Self.fleet()
    #expect(try store.run(".show graph_models | project Name").rows == [["Fleet"]])
    #expect(try store.run(".show graph_models").columns == "Name:string CreationTime:datetime Id:guid")
    #expect(
      try store.run(".show graph_models details").columns
        == "Name:string CreationTime:datetime Id:guid SnapshotsCount:long Model:dynamic AuthorizedPrincipals:dynamic RetentionPolicy:dynamic")
    let made = try store.run(".make graph_snapshot First from Fleet")
    #expect(made.columns == "Name:string SnapshotTime:datetime ModelName:string ModelId:string ModelCreationTime:datetime NodesCount:long EdgesCount:long RetentionPolicy:string")
    #expect(made.rows.map { [$0[0], $0[2], $0[5], $0[6]] } == [["First", "Fleet", "5", "4"]])
    try store.run(".make graph_snapshot Second from Fleet")
    #expect(try store.run(".show graph_snapshots Fleet | project Name, ModelName").rows == [["First", "Fleet"], ["Second", "Fleet"]])
    #expect(try store.run(".show graph_snapshots *").columns == "Name:string SnapshotTime:datetime ModelName:string ModelId:guid ModelCreationTime:datetime")
    #expect(try store.run(".show graph_snapshot Fleet.First details | project NodesCount, EdgesCount").rows == [["5", "4"]])
    #expect(try store.run(".show graph_model Fleet details | project SnapshotCount, tostring(Model.Definition.Steps[1].Query)").rows == [["2", "Ports"]])
    // Each change is a version of its own.
    try store.run(#".create-or-alter graph_model Fleet '{"Definition":{"Steps":[{"Kind":"AddNodes","Query":"Ports","NodeIdColumn":"Code"}]}}'"#)
    #expect(try store.run(".show graph_model Fleet | count").rows == [["1"]])
    #expect(try store.run(".show graph_model Fleet with (id='*') | count").rows == [["2"]])
    #expect(try store.run(".show graph_models with (showAll=true) | count").rows == [["2"]])
    #expect(try store.run("graph('Fleet', true) | graph-match (n) project n.Name | order by n_Name asc").rows == [["Hamburg"], ["Rotterdam"]])
    #expect(try store.run("graph('Fleet', 'First') | graph-match (s)-[c]->(p) project s.Id | count").rows == [["4"]])
    #expect(try store.run(".drop graph_snapshot Fleet.First").rows.map { $0[0] } == ["First"])
    try store.run(".drop graph_snapshots Fleet")
    #expect(try store.run(".show graph_snapshots Fleet").rows == [])
    try store.run(".make graph_snapshot Third from Fleet")
    try store.run(".drop graph_model Fleet")
    #expect(try store.run(".show graph_models").rows == [])
    // Nothing stays of the snapshots.
    #expect(try store.executor.store.verify().tables == 5)
  }

  /// What a maker left that died between the tables and the entry that names them goes with the garbage; a named snapshot stays.
  @Test func tablesOfNoSnapshotAreGarbage() throws {
    let store = try Self.fleet()
    try store.run(".make graph_snapshot Lost from Fleet")
    let directory = store.path + "/db/", aside = store.path + "/_aside-"
    let lost = try DirectoryReader.names(in: directory).filter { $0.contains("graph-") }
    #expect(lost.count == 2)
    for name in lost { #expect(rename(directory + name, aside + name) == 0) }
    try store.run(".drop graph_snapshot Fleet.Lost")
    for name in lost { #expect(rename(aside + name, directory + name) == 0) }
    try store.run(".make graph_snapshot Kept from Fleet")
    let found = try store.executor.store.collectGarbage(graceMilliseconds: -1).items.filter { $0.reason == "hidden table" }
    #expect(found.count == 2)
    #expect(found.allSatisfy { $0.path.hasPrefix("db/$graph-") })
    #expect(try store.run("graph('Fleet', 'Kept') | graph-match (s)-[c]->(p) project s.Id | count").rows == [["4"]])
  }

  /// Versions made at one time are all kept.
  @Test func versionsMadeAtOnceAreAllKept() async throws {
    let store = try Self.fleet()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<4 { group.addTask { for _ in 0..<5 { _ = try? store.run(".create-or-alter graph_model Fleet ```\(Self.model)```") } } }
    }
    #expect(try store.run(".show graph_model Fleet with (id='*') | count").rows == [["21"]])
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var text: String
    var code: KConnectError.Code
    var testDescription: String { text }
  }

  @Test(arguments: [
    Refusal(text: "graph('Fleets') | graph-match (a) project a.Id", code: .kqlSemantic),
    Refusal(text: "graph('Fleet', 'none') | graph-match (a) project a.Id", code: .pathNotFound),
    Refusal(text: "graph('Fleet', 1) | graph-match (a) project a.Id", code: .kqlSemantic),
    Refusal(text: ".make graph_snapshot Twice from Fleet", code: .alreadyExists),
    Refusal(text: ".show graph_snapshot Fleet", code: .usage),
    Refusal(text: ".drop graph_model None", code: .pathNotFound),
    Refusal(text: ".create-or-alter graph_model Bad 'no json'", code: .valueInvalid),
    Refusal(text: ".create-or-alter graph_model Bad '{}'", code: .valueInvalid),
    Refusal(text: #".create-or-alter graph_model Bad '{"Definition":{"Steps":[{"Kind":"AddNodes","Query":"Ports"}]}}'"#, code: .valueInvalid),
    Refusal(text: #".create-or-alter graph_model Bad '{"Definition":{"Steps":[{"Kind":"AddNodes","Query":"Ports","NodeIdColumn":"Code","Label":["x"]}]}}'"#, code: .valueInvalid),
    Refusal(text: #".create-or-alter graph_model Bad '{"Schema":{"Nodes":{"A":{"p":"words"}}},"Definition":{"Steps":[{"Kind":"AddNodes","Query":"Ports","NodeIdColumn":"Code"}]}}'"#, code: .valueInvalid),
  ]) func refuses(_ c: Refusal) throws {
    let store = try Self.fleet()
    try store.run(".make graph_snapshot Twice from Fleet")
    let error = #expect(throws: KConnectError.self) { try store.run(c.text) }
    #expect(error?.code == c.code)
  }

  @Test func modelsOverGuardedTablesHaveNoSnapshots() throws {
    let store = try Self.fleet()
    try store.run(#".alter table Ships policy row_level_security enable "Ships | where Crew > 15""#)
    #expect(try store.run("graph('Fleet') | graph-match (s) where labels(s) has 'Ship' project s.Id").rows == [["s2"]])
    let error = #expect(throws: KConnectError.self) { try store.run(".make graph_snapshot Hidden from Fleet") }
    #expect(error?.code == .notSupported)
  }

  @Test func queriesThatDoNotFitTogetherAreRefused() throws {
    let store = try Self.fleet()
    try store.run(#".create-or-alter graph_model Odd '{"Definition":{"Steps":[{"Kind":"AddNodes","Query":"Ships","NodeIdColumn":"Nope"}]}}'"#)
    #expect(#expect(throws: KConnectError.self) { try store.run("graph('Odd') | graph-match (a) project a.Id") }?.code == .columnNotFound)
    try store.run(#".create-or-alter graph_model Odd '{"Definition":{"Steps":[{"Kind":"AddNodes","Query":"Ships","NodeIdColumn":"Id"},{"Kind":"AddNodes","Query":"Ports | extend Crew = \'x\'","NodeIdColumn":"Code"}]}}'"#)
    #expect(#expect(throws: KConnectError.self) { try store.run("graph('Odd') | graph-match (a) project a.Id") }?.code == .schemaMismatch)
  }
}
