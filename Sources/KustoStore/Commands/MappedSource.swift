// Role: files under an ingestion mapping: which fields are read, and what each column of the table is made of.
// Source: Kusto reference, "Ingestion mappings" and the page of each kind.

import Columnar
import DataSource
import Engine
import Expressions
import JSON

/// What a mapping does to a field.
enum MappingTransform: String, CaseIterable {
  case propertyBagArrayToDictionary = "PropertyBagArrayToDictionary", dropMappedFields = "DropMappedFields"
  case sourceLocation = "SourceLocation", sourceLineNumber = "SourceLineNumber"
  case seconds = "DateTimeFromUnixSeconds", milliseconds = "DateTimeFromUnixMilliseconds"
  case microseconds = "DateTimeFromUnixMicroseconds", nanoseconds = "DateTimeFromUnixNanoseconds"
  case bytesAsBase64 = "BytesAsBase64"

  /// Throws VALUE_INVALID for a name that is none, NOT_SUPPORTED for those that mappings of the kind do not have.
  init(_ text: String, of column: String, kind: String) throws {
    guard let found = Self.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) else {
      throw KConnectError(
        .valueInvalid, "ingestion mapping: column '\(column)': there is no transformation '\(text)'",
        hint: nearestNames(to: text, among: Self.allCases.map(\.rawValue), limit: 1).first.map { "did you mean '\($0)'?" }
          ?? "transformations: \(Self.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    let isDelimited = kind == "csv" || kind == "text"
    if kind == "w3clogfile" && !found.isOfSource || found == .bytesAsBase64 && kind != "avro" || isDelimited && (found == .dropMappedFields || found == .propertyBagArrayToDictionary) {
      throw KConnectError(.notSupported, "not supported: the mapping transformation \(found.rawValue) of column '\(column)' for the format \(kind)")
    }
    self = found
  }

  /// Whether the column comes from where the record stands, not from what is in it.
  var isOfSource: Bool { self == .sourceLocation || self == .sourceLineNumber }

  /// The function that makes a datetime of a number; nil for the other transformations.
  var timeFunction: String? {
    switch self {
    case .seconds: "unixtime_seconds_todatetime"
    case .milliseconds: "unixtime_milliseconds_todatetime"
    case .microseconds: "unixtime_microseconds_todatetime"
    case .nanoseconds: "unixtime_nanoseconds_todatetime"
    default: nil
    }
  }
}

extension IngestionMapping {
  /// Whether columns tell of the file that a record stands in.
  var tellsSource: Bool {
    columns.contains { column in
      let transform = column.transform?.lowercased()
      return transform == MappingTransform.sourceLocation.rawValue.lowercased() || transform == MappingTransform.sourceLineNumber.rawValue.lowercased()
    }
  }
}

/// One file, or one body, as rows of a table by a mapping.
struct MappedSource {
  /// A column of the table and where its values come from.
  struct Column {
    var mapping: ColumnMapping
    var type: DataType
    var transform: MappingTransform?

    /// What the field is read as: numbers for times since 1970, values with members for what takes some away, else the column's type.
    var sourceType: DataType {
      guard let transform else { return type }
      if transform.timeFunction != nil { return .long }
      return transform == .dropMappedFields || transform == .propertyBagArrayToDictionary ? .dynamic : type
    }

    /// Whether the files have no part in it.
    var isGiven: Bool { mapping.constant != nil || transform?.isOfSource == true }

    /// Where in a record the values are; nil for a constant. Throws VALUE_INVALID.
    func path() throws -> JSONPath? {
      if isGiven { return nil }
      if let field = mapping.field, mapping.path == nil { return JSONPath(member: field) }
      guard let path = mapping.path else {
        throw KConnectError(.valueInvalid, "ingestion mapping: column '\(mapping.column)' has neither Path nor ConstValue nor a Transform of the source")
      }
      do { return try JSONPath(path) } catch { throw KConnectError(.valueInvalid, "ingestion mapping: column '\(mapping.column)': \(error)", cause: error) }
    }
  }

  /// The column that counts the records of a file.
  private static let line = "$line"

  let source: IngestSource
  let columns: [Column]

  /// A plan with the mapped columns.
  func plan() throws -> LogicalPlan {
    switch source.format.kind {
    case "csv", "text": try positional()
    case "json": try keyed()
    default: try typed()
    }
  }

  // MARK: Formats

  private func positional() throws -> LogicalPlan {
    let width = 1 + (columns.compactMap { $0.isGiven ? nil : $0.mapping.ordinal }.max() ?? 0)
    var types = [DataType](repeating: .string, count: width)
    for column in columns where !column.isGiven { if let ordinal = column.mapping.ordinal { types[ordinal] = column.sourceType } }
    let file = StructType(types.enumerated().map { StructField("f\($0.offset)", $0.element) })
    return try project(try source.open(schema: file, source.delimited)) { _, column in
      guard let ordinal = column.mapping.ordinal else {
        throw KConnectError(.valueInvalid, "ingestion mapping: column '\(column.mapping.column)' has neither Ordinal nor ConstValue nor a Transform of the source")
      }
      return (.column("f\(ordinal)"), types[ordinal])
    }
  }

  private func keyed() throws -> LogicalPlan {
    var fields: [StructField] = []
    var paths: [String] = []
    for (i, column) in columns.enumerated() {
      guard let path = try column.path() else { continue }
      fields.append(StructField("f\(i)", column.sourceType))
      paths.append("f\(i)=\(path.text)")
    }
    // Records are counted by a column of theirs.
    if fields.isEmpty {
      fields.append(StructField("f", .string))
      paths.append("f=$")
    }
    let table = try source.open(schema: StructType(fields), source.keyedMode + [("columnPaths", paths.joined(separator: ", "))])
    return try project(table) { i, column in (.column("f\(i)"), column.sourceType) }
  }

  /// Parquet, Avro and log files: `$.a` is the file's column, `$.a.b` a member of its dynamic value, `$` a bag of all columns. What a file lacks is null.
  private func typed() throws -> LogicalPlan {
    let table = try source.open(schema: nil, [])
    return try project(table) { _, column in
      guard let path = try column.path() else { throw KConnectError(.internalError, "a constant with a path") }
      if let whole = column.mapping.path, whole.hasPrefix("$."), let field = table.schema.field(String(whole.dropFirst(2))) { return (.column(field.name), field.type) }
      guard let first = path.steps.first else {
        return (.call("bag_pack", table.schema.fields.flatMap { [Expr.literal(.string($0.name)), Expr.column($0.name)] }), .dynamic)
      }
      guard case .member(let name) = first, let field = table.schema.field(name) else { return nil }
      if path.steps.count == 1 { return (.column(name), field.type) }
      var value = field.type == .dynamic ? Expr.column(name) : .call("todynamic", [.column(name)])
      for step in path.steps.dropFirst() {
        let key: Scalar = switch step {
        case .member(let key): .string(key)
        case .element(let place): .long(Int64(place))
        }
        value = .call(FunctionName.member, [value, .literal(key)])
      }
      return (value, .dynamic)
    }
  }

  // MARK: Columns

  /// The mapped columns over a file; `field` gives the value of the column at a place, and its type; nil where the file has none.
  private func project(_ table: any BatchReadable, _ field: (Int, Column) throws -> (Expr, DataType)?) throws -> LogicalPlan {
    var plan = LogicalPlan.scan(table)
    if columns.contains(where: { $0.transform == .sourceLineNumber }) {
      plan = try .custom(WindowOperator([WindowCall(Self.line, .rowNumber(start: 1, restart: nil))]), [plan])
    }
    return try plan.project(
      columns.enumerated().map { i, column in
        NamedExpr(column.mapping.column, try value(column) { try field(i, column) })
      })
  }

  /// The value of a column: a constant, the record's place, or the field with its transformation, as the column's type.
  private func value(_ column: Column, _ field: () throws -> (Expr, DataType)?) throws -> Expr {
    let type = column.type
    if column.transform == .sourceLocation { return IngestSource.cast(.literal(.string(source.location)), .string, to: type) }
    if column.transform == .sourceLineNumber { return IngestSource.cast(.column(Self.line), .long, to: type) }
    if let constant = column.mapping.constant { return .literal(IngestionMapping.value(constant, as: type) ?? .null(type)) }
    guard let (expr, found) = try field() else { return .literal(.null(type)) }
    guard let transform = column.transform else { return IngestSource.cast(expr, found, to: type) }
    if let function = transform.timeFunction { return IngestSource.cast(.call(function, [expr]), .datetime, to: type) }
    if transform == .bytesAsBase64 {
      guard found == .dynamic else {
        throw KConnectError(.notSupported, "not supported: BytesAsBase64 of column '\(column.mapping.column)', whose field holds \(found)", hint: "fields that are arrays of bytes are encoded")
      }
      return IngestSource.cast(.call("base64_encode_fromarray", [expr]), .string, to: type)
    }
    let bag = IngestSource.cast(expr, found, to: .dynamic)
    if transform == .propertyBagArrayToDictionary { return IngestSource.cast(.call(FunctionName.dictionary, [bag]), .dynamic, to: type) }
    return IngestSource.cast(try withoutMapped(bag, column), .dynamic, to: type)
  }

  /// A bag without the members that other columns have; what is no bag is itself.
  private func withoutMapped(_ bag: Expr, _ column: Column) throws -> Expr {
    let own = try column.path()?.steps ?? []
    var keys: [DynamicValue] = []
    for other in columns where other.mapping.column != column.mapping.column {
      guard let steps = try other.path()?.steps, steps.count > own.count, steps.starts(with: own) else { continue }
      let rest = Array(steps.dropFirst(own.count))
      // Elements of an array stay: taking one away would move the others.
      if rest.allSatisfy({ if case .member = $0 { true } else { false } }) { keys.append(.string(JSONPath(steps: rest).text)) }
    }
    if keys.isEmpty { return bag }
    let isBag = Expr.call(FunctionName.equal, [.call("gettype", [bag]), .literal(.string("dictionary"))])
    return .call("iff", [isBag, .call("bag_remove_keys", [bag, .literal(.dynamic(.array(keys)))]), bag])
  }
}
