// What Tab offers at a place of a query or a management command.

import Columnar
import Engine
import KQL
import Testing

/// Two databases, the first of which is the current one.
private struct Databases: KQLCatalog {
  static let tables = ["Here": ["Storms": "State:string, Deaths:int", "my-table": "a:long"], "O'Hare": ["Flights": "Gate:string"]]

  func table(_ name: String, database: String?) throws -> LogicalPlan? {
    try Self.tables[database ?? "Here"]?[name].map { LogicalPlan.values(try StructType(ddl: $0), []) }
  }
  func tableNames(database: String?) -> [String] { Self.tables[database ?? "Here"]?.keys.sorted() ?? [] }
  func functionText(_ name: String, database: String?) throws -> String? { database != "O'Hare" && name == "Late" ? "(n: int = 3) { Storms | where Deaths > n }" : nil }
  func storedFunctions(database: String?) -> [(name: String, parameters: String)] {
    switch database {
    case nil, "Here": [("Late", "(n: int = 3)")]
    case "O'Hare": [("Gates", "()")]
    default: []
    }
  }
  var databaseNames: [String] { Self.tables.keys.sorted() }
}

private func offered(_ text: String) -> [String] {
  Completion.at(text.utf8.count, of: text, catalog: Databases(), options: bindOptions()).items.map(\.text)
}

struct CompletionCase: Sendable, CustomTestStringConvertible {
  var text: String
  var offers: [String]
  var not: [String]
  init(_ text: String, _ offers: [String], not: [String] = []) {
    self.text = text
    self.offers = offers
    self.not = not
  }
  var testDescription: String { text }
}

@Suite struct CompletionTests {
  @Test(arguments: [
    // Operators at the beginning of a query.
    CompletionCase("print ", ["strlen(", "typeof("], not: ["|", "State", "Storms", "[]("]),
    CompletionCase("let n = 5; print ", ["n", "strlen("]), CompletionCase("print x = strl", ["strlen("], not: ["strcat("]), CompletionCase("print 1 ", ["|", "and"], not: ["strlen("]),
    CompletionCase("print strlen(", ["toupper("], not: ["Storms", "[]("]),
    CompletionCase("range ", []), CompletionCase("range x ", ["from"], not: ["to"]), CompletionCase("range x from ", ["ago(", "to"], not: ["from"]),
    CompletionCase("range x from 1 ", ["to"], not: ["step", "ago("]), CompletionCase("range x from 1 to 5 ", ["step"]), CompletionCase("range x from 1 to 5 step 1 ", ["|"]),
    CompletionCase("union ", ["Storms", "kind="], not: ["strlen("]), CompletionCase("let x = range i from ", ["ago("]),
    // Plugins.
    CompletionCase("Storms | evaluate ", ["bag_unpack(", "python("], not: ["strlen(", "State", "sql_request("]),
    CompletionCase("Storms | evaluate hint.distribution=single ", ["pivot("], not: ["strlen("]), CompletionCase("evaluate ", ["infer_storage_schema("]),
    CompletionCase("Storms | evaluate bag_unpack(", ["State", "parse_json("], not: ["pivot(", "count("]), CompletionCase("Storms | evaluate pivot(State, ", ["Deaths", "count("]),
    CompletionCase("Storms | evaluate narrow() ", ["|"], not: ["narrow(", "and"]),
    // Functions that only the binder knows.
    CompletionCase("Storms | extend x = row_", ["row_number(", "row_cumsum(", "row_rank_dense(", "row_rank_min(", "row_window_session("]),
    CompletionCase("Storms | extend x = ", ["prev(", "next(", "ingestion_time(", "toscalar(", "column_ifexists(", "typeof("], not: ["materialize(", "database(", "node_id(", "count(", "pivot("]),
    CompletionCase("Storms | summarize ", ["count(", "dcount(", "State", "strlen("]),
    CompletionCase("let t = ", ["materialize(", "table(", "database(", "cluster(", "Storms", "strlen(", "toscalar("]),
    CompletionCase("", ["materialize(", "database(", "Storms", "let"], not: ["strlen("]),
    CompletionCase("Storms | extend x = extract('a', 1, State, typeof(", ["long", "string"], not: ["strlen("]), CompletionCase("datatable(a: ", ["datetime"], not: ["Storms"]),
    // Stored functions.
    CompletionCase("La", ["Late("]), CompletionCase("Late() | where ", ["State", "Deaths", "Late("]), CompletionCase("let x = ", ["Late("], not: ["Gates("]),
    CompletionCase("database(\"O'Hare\").", ["Gates("], not: ["Late("]),
    // Queries in brackets.
    CompletionCase("Storms | join kind=inner (", ["Storms", "['my-table']"], not: ["on"]), CompletionCase("Storms | join (Storms | wh", ["where"]),
    CompletionCase("Storms | join (Storms) on ", ["State"]), CompletionCase("Storms | join (Storms) on $left.", ["State"]),
    CompletionCase("Storms | where State in (", ["State", "Storms", "strlen("]), CompletionCase("Storms | where strlen(", ["State", "toupper("], not: ["Storms"]),
    CompletionCase("Storms | partition by State (", ["summarize", "top"], not: ["Storms"]), CompletionCase("Storms | partition by State (top 3 by ", ["Deaths"]),
    CompletionCase("let f = () { Storms | where ", ["State"]), CompletionCase("let s = Storms; s | where ", ["Deaths"]), CompletionCase("print dynamic({", [], not: ["Storms"]),
    // Options.
    CompletionCase("set ", ["query_now=", "notruncation=", "query_take_max_records="], not: ["servertimeout=", "Storms"]), CompletionCase("set query_da", ["query_datetimescope_column="], not: ["query_now="]),
    CompletionCase("set best_effort ", ["=", ";"]), CompletionCase("set best_effort = ", ["true", "false"]), CompletionCase("set best_effort = true ", [";"]),
    // Databases and their tables.
    CompletionCase("database('", ["'Here'", "'O\\'Hare'"]), CompletionCase("print 1 | join (database(\"He", ["\"Here\""], not: ["\"O'Hare\""]),
    CompletionCase("table('", ["'Storms'", "'my-table'"], not: ["'Flights'"]), CompletionCase("database(\"O'Hare\").table('", ["'Flights'"], not: ["'Storms'"]),
    CompletionCase("database(\"O'Hare\").", ["Flights"], not: ["Storms"]), CompletionCase("cluster('local').database('Here').my", ["['my-table']"]),
    CompletionCase("cluster('elsewhere').database('Here').", []), CompletionCase("database('none').", []), CompletionCase("Storms | where State == 'x", []),
    // Management commands.
    CompletionCase(".", ["show", "create", "create-or-alter", "set-or-append"]), CompletionCase(".create-or", ["create-or-alter"], not: ["create"]),
    CompletionCase(".show ", ["tables", "database", "version"], not: ["Storms"]), CompletionCase(".show table ", ["Storms", "['my-table']"], not: ["tables"]),
    CompletionCase(".show table St", ["Storms"]), CompletionCase(".show table Storms ", ["details", "schema", "policy", "|"], not: ["Storms"]), CompletionCase(".show table ['m", ["['my-table']"]),
    CompletionCase(".show table Storms policy ", ["retention", "update"]), CompletionCase(".drop database ", ["Here", "['O\\'Hare']"]), CompletionCase(".create table ", [], not: ["Storms"]),
    CompletionCase(".show tables | ", ["where", "project"]), CompletionCase(".set-or-append Storms <| Storms | where ", ["State"], not: ["table"]),
    CompletionCase(".create function f() { Storms | where ", ["Deaths"]), CompletionCase(".create function f() { St", ["Storms"]), CompletionCase(".nonsense ", []),
  ] as [CompletionCase])
  func offers(_ item: CompletionCase) {
    let found = offered(item.text)
    #expect(item.offers.allSatisfy { found.contains($0) }, "\(found)")
    #expect(!item.not.contains { found.contains($0) }, "\(found)")
    if item.offers.isEmpty, item.not.isEmpty { #expect(found.isEmpty) }
  }

  /// Names that need quotes are found without them, and with the first of them.
  @Test(arguments: [
    ("my", "['my-table']"), ("MY", "['my-table']"), ("['my", "['my-table']"), ("['my-table' ", nil), ("oth", "other"), ("other | where col", "['col one']"),
    ("other | where ['c", "['col one']"), ("other | join ['m", "['my-table']"),
  ] as [(String, String?)])
  func quotedNames(_ text: String, _ expected: String?) throws {
    let tables = try ["my-table": "a:long", "other": "k:long"].mapValues { LogicalPlan.values(try StructType(ddl: $0), []) }
    var catalog = PlanCatalog(tables)
    catalog.tables["other"] = LogicalPlan.values(StructType([StructField("col one", .long)]), [])
    let found = Completion.at(text.utf8.count, of: text, catalog: catalog, options: bindOptions()).items.filter { $0.kind == .table || $0.kind == .column }.map(\.text)
    #expect(found == (expected.map { [$0] } ?? []))
  }

  /// The word that is replaced begins where it does in the whole text.
  @Test(arguments: [(".set T <| Storms | whe", "whe"), (".create-or", "create-or"), ("Storms | mv-exp", "mv-exp"), ("database('He", "'He"), (".show table ['m", "['m")])
  func theWordIsReplaced(_ text: String, _ word: String) {
    let start = Completion.at(text.utf8.count, of: text, catalog: Databases(), options: bindOptions()).start
    #expect(String(decoding: Array(text.utf8)[start...], as: UTF8.self) == word)
  }

  @Test func offeredNamesAreWords() {
    for text in ["print ", "Storms | summarize ", "Storms | evaluate ", "let x = ", "Storms | graph-match "] {
      let functions = offered(text).filter { $0.hasSuffix("(") && !$0.contains(" ") }
      #expect(functions.allSatisfy { $0.dropLast().allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" } }, "\(functions)")
    }
  }
}
