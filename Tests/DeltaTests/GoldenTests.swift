// Delta's golden tables against deltalake's SQL reader, and filters against the same filters evaluated on all rows.

import Columnar
import DataSource
import Delta
import DeltaConnector
import Expressions
import FileConnector
import Glibc
import Testing

@Suite struct GoldenTests {
  /// Every table directory with a log, relative to the golden folder.
  static let tables: [String] = {
    guard let golden = Judges.golden, let names = try? DirectoryReader.names(in: golden) else { return [] }
    return names.flatMap { name -> [String] in
      if pathKind(golden + "/\(name)/_delta_log") == .directory { return [name] }
      let inner = (try? DirectoryReader.names(in: golden + "/" + name)) ?? []
      return inner.filter { pathKind(golden + "/\(name)/\($0)/_delta_log") == .directory }.map { name + "/" + $0 }
    }
  }()

  /// What only we, or only deltalake 1.6, read; everything else must be equal, or refused by both.
  private static let onlyOurs: Set<String> = ["basic-with-vacuum-protocol-check-feature", "type-widening", "type-widening-nested"]
  private static let onlyTheirs: Set<String> = ["spark-variant-checkpoint"]

  @Test(
    .enabled(if: Judges.golden != nil, "no golden tables beside the checkout (../shared/data)"),
    .enabled(if: Judges.python != nil, "KCONNECT_PYTHON is not set: no deltalake to judge"))
  func equalToDeltalake() throws {
    let golden = try #require(Judges.golden)
    let s = Scratch()
    var list = ""
    for (i, name) in Self.tables.enumerated() {
      let copy = s("\(i).parquet")
      var isRead = false
      if let table = try? openTable(golden + "/" + name) { isRead = (try? copyTable(table, to: copy)) != nil }
      list += "\(golden)/\(name)\t\(isRead ? copy : "")\n"
    }
    s.put("list", list)
    var equal = 0
    for line in try Judges.run(["golden", s("list")]) {
      guard line.contains(golden) else {
        Issue.record("\(line)")
        continue
      }
      let name = String(line.split(separator: " ")[1].drop { $0 == ":" }).replacingPrefix(golden + "/", with: "").trimmingColon
      switch line.split(separator: " ")[0] {
      case "equal": equal += 1
      case "neither": break
      case "only-ours": #expect(Self.onlyOurs.contains(name), "only we read \(name)")
      case "only-theirs": #expect(Self.onlyTheirs.contains(name), "only deltalake reads \(name)")
      default: Issue.record("\(line)")
      }
    }
    #expect(equal > 70)
  }

  @Test(.enabled(if: Judges.golden != nil, "no golden tables beside the checkout (../shared/data)"), arguments: tables)
  func filtersAgree(_ name: String) throws {
    let path = try #require(Judges.golden) + "/" + name
    guard let table = try? openTable(path), let rows = try? readRows(table), !rows.isEmpty, rows.count < 300 else { return }
    if let exact = table.exactRowCount { #expect(exact == rows.count, "\(name): exact row count") }
    for (c, field) in table.schema.fields.enumerated() where field.type != .dynamic {
      let values = Array(Set(rows.map { $0[c] }.filter { !$0.isNull })).prefix(2)
      for value in values {
        for op in [FunctionName.equal, FunctionName.less, FunctionName.greaterOrEqual] {
          let filter = Expr.call(op, [.column(field.name), .literal(value)])
          let all = RecordBatch(
            schema: table.schema, columns: table.schema.fields.indices.map { i in .of(table.schema[i].type, rows.map { $0[i] }) }, rowCount: rows.count)
          let bits = try CompiledExpr(filter, schema: table.schema, context: context).select(all)
          let expected = rows.indices.filter { bits[$0] }.map { rows[$0] }
          #expect(try sorted(filteredRows(table, filter)) == sorted(expected), "\(name): \(field.name) \(op) \(value)")
        }
      }
    }
  }

  /// Tables that must be refused, with what the message has to say.
  struct Refused: CustomTestStringConvertible {
    let table: String
    let code: KConnectError.Code
    let says: String
    var testDescription: String { table }
  }

  @Test(
    .enabled(if: Judges.golden != nil, "no golden tables beside the checkout (../shared/data)"),
    arguments: [
      Refused(table: "versions-not-contiguous", code: .formatCorrupt, says: "00000000000000000001.json"),
      Refused(table: "deltalog-state-reconstruction-without-protocol", code: .formatCorrupt, says: "no protocol"),
      Refused(table: "deltalog-state-reconstruction-without-metadata", code: .formatCorrupt, says: "no metaData"),
      Refused(table: "deltalog-invalid-protocol-version", code: .notSupported, says: "version 99"),
      Refused(table: "spark-variant-checkpoint", code: .notSupported, says: "variantType"),
      Refused(table: "no-delta-log-folder", code: .pathNotFound, says: "not a Delta table"),
    ])
  func refused(_ c: Refused) throws {
    let golden = try #require(Judges.golden)
    let error = try #require(thrown { _ = try openTable(golden + "/" + c.table) })
    #expect(error.code == c.code)
    #expect(error.message.contains(c.says), "\(error)")
  }
}

extension String {
  fileprivate func replacingPrefix(_ prefix: String, with text: String) -> String { hasPrefix(prefix) ? text + dropFirst(prefix.count) : self }
  fileprivate var trimmingColon: String { hasSuffix(":") ? String(dropLast()) : self }
}
