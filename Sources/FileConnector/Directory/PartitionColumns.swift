// Role: Hive-style partition columns: `key=value` directories become columns, constant in each file. Values are percent-decoded;
// `__HIVE_DEFAULT_PARTITION__` is null. Types: long, real, datetime or string, whichever fits all values (`partitionColumnTypeInference`).

package import Columnar
import DataSource

/// The partition columns of a table and each file's values.
package struct PartitionColumns: Sendable {
  package private(set) var schema: StructType
  /// One row of values per file.
  package private(set) var values: [[Scalar]]

  package static func none(fileCount: Int) -> PartitionColumns {
    PartitionColumns(schema: StructType(), values: Array(repeating: [], count: fileCount))
  }

  /// Columns and values known from elsewhere: one row of values per file.
  package init(schema: StructType, values: [[Scalar]]) {
    self.schema = schema
    self.values = values
  }

  /// Finds the columns. `infersTypes` off gives strings; `declared` (the user's schema) decides the type of the columns it names.
  /// Throws SCHEMA_MISMATCH when files disagree on the columns, TYPE_MISMATCH when a value is not of the declared type.
  package init(_ files: [FileEntry], infersTypes: Bool, declared: StructType?) throws {
    let parsed = files.map { Self.pairs($0.directories) }
    let names = parsed.first?.map(\.0) ?? []
    for (i, pairs) in parsed.enumerated() where pairs.map(\.0) != names {
      func shown(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
      throw KConnectError(
        .schemaMismatch,
        "partition columns differ: '\(files[0].path)' has \(shown(names)), '\(files[i].path)' has \(shown(pairs.map(\.0)))",
        hint: "read one of the directories, give basePath, or recursiveFileLookup=true to ignore partition directories")
    }
    if let twice = names.first(where: { name in names.filter { $0 == name }.count > 1 }) {
      throw KConnectError(.schemaMismatch, "partition column '\(twice)' occurs twice in '\(files[0].path)'")
    }
    var fields: [StructField] = []
    var columns: [[Scalar]] = []
    for (c, name) in names.enumerated() {
      let texts = parsed.map { $0[c].1 }
      let type = declared?.field(name)?.type ?? (infersTypes ? Self.inferredType(texts) : .string)
      fields.append(StructField(name, type))
      columns.append(
        try texts.enumerated().map { i, text in
          guard let text else { return .null(type) }
          if type == .string { return .string(text) }
          guard let value = ScalarText.parse(text, as: type) else {
            throw KConnectError(
              .typeMismatch, "partition column '\(name)' of '\(files[i].path)': found '\(text.prefix(80))', expected \(type)",
              hint: "declare the column as string, or partitionColumnTypeInference=false")
          }
          return value
        })
    }
    schema = StructType(fields)
    values = files.indices.map { i in columns.map { $0[i] } }
  }

  /// Gives columns without any value, whose type no text tells, the type that files note under their names: a table written without rows does.
  mutating func takeUnknownTypes(from files: StructType) {
    for (c, field) in schema.fields.enumerated() {
      guard let known = files.field(field.name)?.type, known != field.type, values.allSatisfy({ $0[c].isNull }) else { continue }
      schema = StructType(schema.fields.enumerated().map { $0.offset == c ? StructField(field.name, known) : $0.element })
      for i in values.indices { values[i][c] = .null(known) }
    }
  }

  /// The `key=value` names among directory names, decoded; a nil value is null. Other names are skipped.
  private static func pairs(_ directories: [String]) -> [(String, String?)] {
    directories.compactMap { name in
      guard let sign = name.utf8.firstIndex(of: UInt8(ascii: "=")), sign != name.startIndex else { return nil }
      let value = percentDecoded(name[name.utf8.index(after: sign)...])
      return (percentDecoded(name[..<sign]), value == PartitionText.null || value.isEmpty ? nil : value)
    }
  }

  /// The narrowest of long, real, datetime and string that every text is; string when all are null.
  private static func inferredType(_ texts: [String?]) -> DataType {
    var isLong = true, isReal = true, isDateTime = true, hasAny = false
    for case let text? in texts {
      hasAny = true
      if isLong, ScalarText.parse(text, as: .long) == nil { isLong = false }
      if isReal, !isPlainNumber(text) { isReal = false }
      if isDateTime, !isISODateTime(text) { isDateTime = false }
      if !isLong, !isReal, !isDateTime { return .string }
    }
    return !hasAny ? .string : isLong ? .long : isReal ? .real : isDateTime ? .datetime : .string
  }

  /// Numbers only: `NaN`, `Inf` and hexadecimal texts stay strings.
  private static func isPlainNumber(_ text: String) -> Bool {
    text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) } && ScalarText.parse(text, as: .real) != nil
  }

  private static func isISODateTime(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      guard let base = bytes.baseAddress, bytes.count >= 10 else { return false }
      // SAFETY: the text's bytes live for the call, which reads `count` of them.
      return unsafe ScalarText.parseISODateTime(base, bytes.count, exact: true) != nil
    }
  }
}
