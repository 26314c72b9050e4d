// Role: all command forms. Where two forms could read the same text, the first listed wins.

/// The forms of all commands.
package enum CommandForms {
  static let all: [CommandForm] =
    service + databases + schemas + tables + columns + functions + mappings + storedResults + ingestion + extents + policies + views + graphs + externalTables + security
    + database

  /// Each command with the ways to write it, for help: `.create table <table> <columns:schema> …`.
  package static var syntax: [(kind: CommandKind, text: String)] { all.map { ($0.kind, "." + $0.syntax) } }

  static let mappingKinds = "csv|json|avro|apacheavro|parquet|orc|w3clogfile|azmonstream|sstream"
}
