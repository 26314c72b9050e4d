// Role: which table features can be read and written; everything else is refused by name.

import Columnar
import DataSource

package enum TableFeatures {
  /// Writer versions that imply a feature on tables without feature lists.
  static let legacyWriterVersion: [String: Int] = [
    "appendOnly": 2, "invariants": 2, "checkConstraints": 3, "changeDataFeed": 4, "generatedColumns": 4, "columnMapping": 5, "identityColumns": 6,
  ]

  /// Features that concern readers and are read here.
  package static let readable: Set<String> = [
    "columnMapping", "deletionVectors", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck", "typeWidening", "typeWidening-preview",
  ]

  /// Features whose tables are written to, some only while the table does not use them (see `checkWritable`).
  package static let writable: Set<String> = [
    "appendOnly", "invariants", "checkConstraints", "changeDataFeed", "generatedColumns", "identityColumns", "allowColumnDefaults", "columnMapping",
    "deletionVectors", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck", "rowTracking", "domainMetadata", "inCommitTimestamp",
  ]

  /// Throws NOT_SUPPORTED naming every reader feature that is not known.
  package static func checkReadable(_ table: TableProtocol, path: String) throws {
    guard (1...3).contains(table.minReaderVersion) else {
      throw DeltaError.notSupported("Delta reader version \(table.minReaderVersion) of '\(path)' (known: 1 to 3)")
    }
    guard table.minReaderVersion == 3 else { return }
    let unknown = (table.readerFeatures ?? []).filter { !readable.contains($0) }
    if !unknown.isEmpty { throw DeltaError.notSupported("the Delta reader feature\(unknown.count > 1 ? "s" : "") \(quoted(unknown)) of '\(path)'") }
  }

  /// Throws NOT_SUPPORTED naming what keeps this writer from changing the table.
  package static func checkWritable(_ snapshot: DeltaSnapshot) throws {
    let table = snapshot.protocol, path = snapshot.path
    try checkReadable(table, path: path)
    guard (1...7).contains(table.minWriterVersion) else {
      throw DeltaError.notSupported("Delta writer version \(table.minWriterVersion) of '\(path)' (known: 1 to 7)")
    }
    if table.minWriterVersion == 7 {
      let unknown = ((table.writerFeatures ?? []) + (table.readerFeatures ?? [])).filter { !writable.contains($0) }
      if !unknown.isEmpty { throw DeltaError.notSupported("writing to '\(path)', which has the Delta feature\(unknown.count > 1 ? "s" : "") \(quoted(unknown))") }
    }
    func refuse(_ what: String) -> KConnectError { DeltaError.notSupported("writing to '\(path)', which has \(what)") }
    let constraints = snapshot.metadata.configuration.keys.filter { $0.hasPrefix("delta.constraints.") }.sorted()
    if let constraint = constraints.first { throw refuse("the CHECK constraint '\(constraint.dropFirst(18))'") }
    if snapshot.flag("delta.enableChangeDataFeed") { throw refuse("a change data feed (delta.enableChangeDataFeed)") }
    if snapshot.columnMapping != .none { throw refuse("column mapping (delta.columnMapping.mode)") }
    for field in snapshot.schema.fields { try checkField(field, refuse) }
  }

  private static func checkField(_ field: DeltaField, _ refuse: (String) -> KConnectError) throws {
    for (prefix, what) in [
      ("delta.invariants", "an invariant"), ("delta.generationExpression", "a generation expression"), ("delta.identity.", "identity values"),
      ("CURRENT_DEFAULT", "a default value"),
    ] where field.metadata.contains(where: { $0.key.hasPrefix(prefix) }) {
      throw refuse("\(what) on column '\(field.name)'")
    }
    if case .structure(let inner) = field.type { for field in inner { try checkField(field, refuse) } }
  }

  private static func quoted(_ names: [String]) -> String { names.map { "'\($0)'" }.joined(separator: ", ") }
}
