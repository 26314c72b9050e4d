// Texts with several results, operators over many tables, and statements about which entities a text sees.

import Columnar
import DataSource
import Engine
import Expressions
import KQL
import Testing

/// Tables in two databases.
private struct TwoDatabases: KQLCatalog {
  private static func rows(_ ddl: String, _ rows: [[Scalar]]) -> LogicalPlan {
    guard let schema = try? StructType(ddl: ddl) else { return .values(StructType(), []) }
    let columns = schema.fields.indices.map { c in ColumnVector.of(schema[c].type, rows.map { $0[c] }) }
    return .values(schema, [RecordBatch(schema: schema, columns: columns, rowCount: rows.count)])
  }

  private let tables: [String: LogicalPlan] = [
    "Events1": rows("Id:string, Level:string, Text:string, Version:string", [
      [.string("ac"), .string("Information"), .string("Some Text1"), .string("v1.0.0")], [.string("ac"), .string("Error"), .string("Some Text2"), .string("v1.0.0")],
      [.string("28"), .string("Error"), .string("Some Text3"), .string("v1.0.1")],
    ]),
    "Events2": rows("Id:string, Level:string, Text:string, EventName:string", [
      [.string("f7"), .string("Information"), .string("Other green thing"), .string("Event1")], [.string("ac"), .string("Error"), .string("Other Text3"), .string("Event3")],
    ]),
    "Numbers": rows("Id:long, Size:real", [[.long(7), .real(1.5)]]),
  ]

  func table(_ name: String, database: String?) throws -> LogicalPlan? {
    if database == nil || database == "main" { return tables[name] }
    return database == "other" && name == "Events1" ? tables["Events1"].map { $0.limit(1) } : nil
  }

  func tableNames(database: String?) -> [String] { database == nil || database == "main" ? tables.keys.sorted() : database == "other" ? ["Events1"] : [] }
}

/// All results: each with its name (or `-`) and its rows.
private func results(_ text: String) throws -> [String] {
  let options = bindOptions()
  return try KQL.bind(text, catalog: TwoDatabases(), options: options).results.flatMap { result in
    var lines = ["\(result.name ?? "-"): \(result.plan.schema.names.joined(separator: ","))"]
    try QueryExecution(result.plan, options: ExecutionOptions(), context: options.context).run { batch in
      for i in 0..<batch.rowCount { lines.append(batch.row(i).map { $0.isNull ? "" : cellText($0) }.joined(separator: "|")) }
      return true
    }
    return lines
  }
}

struct ResultTests {
  @Test(arguments: [
    AnswerCase("print a = 1; print b = 2 | as Two", "-: a", "1", "Two: b", "2"),
    AnswerCase("range x from 1 to 4 step 1 | fork (where x > 3) Small = (where x < 2 | extend y = x) (count | as N)", "-: x", "4", "Small: x,y", "1|1", "N: Count", "4"),
    AnswerCase("Events1 | facet by Level with (take 1 | project Id)", "-: Id", "ac", "-: Level,count_Level", "Information|1", "Error|2"),
    AnswerCase("Events1 | consume", "-: Id,Level,Text,Version"),
    AnswerCase("search in (Events1, Events2) 'Text3' | project $table, Text | sort by Text asc", "-: $table,Text", "Events2|Other Text3", "Events1|Some Text3"),
    AnswerCase("search 'green' | project $table, EventName", "-: $table,EventName", "Events2|Event1"),
    AnswerCase("search kind=case_sensitive 'Green' | count", "-: Count", "0"),
    AnswerCase("search 'gre*' and Level:'information' | count", "-: Count", "1"),
    AnswerCase("search '*ther t*3' | project Text", "-: Text", "Other Text3"),
    AnswerCase("search Level == 'Error' or Size > 1 | count", "-: Count", "4"),
    AnswerCase("search in (Events*) * | count", "-: Count", "5"),
    AnswerCase("Events1 | search '28' | project $table, Version", "-: $table,Version", "Events1|v1.0.1"),
    AnswerCase("search Size == 1.5", "-: $table,Id_string,Id_long,Level,Text,Version,EventName,Size", "Numbers||7|||||1.5"),
    AnswerCase(
      "find in (Events1, Events2) where Id == 'ac' and Level == 'Error' project Text, Version, EventName, pack_all()", "-: source_,Text,Version,EventName,pack_",
      "Events1|Some Text2|v1.0.0||{\"Id\":\"ac\",\"Level\":\"Error\"}", "Events2|Other Text3||Event3|{\"Id\":\"ac\",\"Level\":\"Error\"}"),
    AnswerCase("find withsource = T in (Events*) where Version == 'v1.0.1' or EventName == 'Event1' project Id", "-: T,Id", "Events1|28", "Events2|f7"),
    AnswerCase("find in (Events*) where Id == '28'", "-: source_,Id,Level,Text,pack_", "Events1|28|Error|Some Text3|{\"Version\":\"v1.0.1\"}"),
    AnswerCase("find in (Numbers) where Id > 1 project Id: string", "-: source_,Id", "Numbers|7"),
    AnswerCase(
      "declare pattern p = (a: string)[b: string] { ('x').['1'] = { print r = 'x1' }; ('x').['2'] = { print r = 'x2' }; }; union p('x').['2'], p('x').['1'] | sort by r asc", "-: r", "x1", "x2"),
    AnswerCase("declare pattern q = (a: string) { ('x') = { print r = 1 }; }; q('x')", "-: r", "1"),
    AnswerCase("let V = view () { Events1 | where Level == 'Error' }; restrict access to (V); V | count", "-: Count", "2"),
    AnswerCase("union withsource=S Events1, database('other').Events1 | distinct S | sort by S asc", "-: S", "NetDefaultDB.Events1", "other.Events1"),
    AnswerCase("union withsource=S Events1, (Numbers | where Id > 1) | distinct S | sort by S asc", "-: S", "Events1", "Numbers"),
    AnswerCase("find in (database('other').Events1, Events2) where Id == 'ac' project Id | project source_", "-: source_", "other.Events1", "NetDefaultDB.Events2"),
    AnswerCase("union isfuzzy=true Numbers, nofunc(1), database('nope').X, cluster('far').database('x').Y | project Id", "-: Id", "7"),
    AnswerCase("restrict access to (database().Events2); union * | count", "-: Count", "2"),
    AnswerCase("restrict access to (database('*').*); union Events1, database('other').Events1 | count", "-: Count", "4"),
    AnswerCase("let V = view () { Events1 }; restrict access to (V, database().Events2); restrict access to (V); V | count", "-: Count", "3"),
    AnswerCase("declare pattern q = (a: string) { ('x') = { Numbers | project Id }; }; restrict access to (q); q('x')", "-: Id", "7"),
    AnswerCase("alias database D = cluster('localhost').database('other'); database('D').Events1 | count", "-: Count", "1"),
    AnswerCase("database('other').Events1 | count", "-: Count", "1"),
    AnswerCase("cluster('.').database('main').Numbers | project Id", "-: Id", "7"),
    AnswerCase(
      "let G = entity_group [database('main'), database('other')]; macro-expand G as X (X.Events1 | summarize n = count() by d = X.$current_database) | sort by d asc", "-: d,n", "main|3", "other|1"),
  ])
  func answers(_ c: AnswerCase) throws {
    #expect(try results(c.text).joined(separator: "\n") == c.rows.joined(separator: "\n"))
  }

  @Test(arguments: [
    ("Events1 | fork (count) (take 1) | count", "KS002"), ("union (Events1 | fork (count) (take 1)), Events2", "KS111"), ("cluster('help').database('x').T", "KS900"),
    ("restrict access to (Events2); Events1 | count", "KS204"), ("let f = () { Events1 }; restrict access to (Events2); f()", "KS211"),
    ("let V = view () { Events2 }; restrict access to (V); restrict access to (database().Events1); Events1 | count", "KS204"),
    ("restrict access to (database('oth*').*); Events1", "KS204"), ("restrict access to (Events2); declare pattern q = (a: string) { ('x') = { Numbers }; }; q('x')", "KS204"),
    ("restrict access to (Events2); let f = () { Events1 }; f()", "KS204"), ("declare pattern q = (a: string) { ('x') = { print 1 }; }; q('y')", "KS211"),
    ("declare pattern m; m('1')", "KS211"), ("union isfuzzy=true Numbers, (Numbers | extend x = nofunc(1))", "KS211"), ("find in (Events1) where Id == 1", "KS106"), ("search kind=other 'x'", "KS140"), ("Events1 | find 'x'", "KS175"),
    ("externaldata (a: long) ['x.csv']", "KS900"), ("macro-expand Nope as X (X.T)", "KS142"), ("find in (Events1) where Level == 'x' project Nope", "KS142"),
  ])
  func refuses(_ text: String, _ code: String) {
    let codes = KQLChecker.diagnostics(text, catalog: TwoDatabases(), options: bindOptions()).map(\.code.description)
    #expect(codes.contains(code), "\(codes)")
  }
}
