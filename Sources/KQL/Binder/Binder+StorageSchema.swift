// infer_storage_schema and infer_storage_schema_with_suggestions: the columns of files that options name.
// Source: Kusto language reference, "infer_storage_schema plugin", "infer_storage_schema_with_suggestions plugin".

import Columnar
import Engine
import Expressions

extension Binder {
  /// `evaluate infer_storage_schema(dynamic({...}))`: the schema as one text.
  func inferStorageSchema(_ call: FunctionCall, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    let schema = try storage(call, span).schema
    return Self.text(schema.fields.map { "\(quotedName($0.name)):\($0.type)" }.joined(separator: ", "), named: "CslSchema")
  }

  /// The same with a recommended type and transformation for each column, as one JSON text.
  func inferStorageSchemaWithSuggestions(_ call: FunctionCall, _ span: SourceSpan) throws(BindFailure) -> LogicalPlan {
    let (request, schema) = try storage(call, span)
    var wanted = request
    wanted.schema = schema
    let ranges = try numberRanges(wanted, span)
    let columns = schema.fields.map { field in
      let suggestion = Self.suggestion(for: field, ranges[field.name])
      return DynamicValue.bag([
        DynamicEntry("OriginalColumn", Self.column(field)), DynamicEntry("RecommendedColumn", Self.column(StructField(field.name, suggestion.type))),
        DynamicEntry("ApplicableTransformationMapping", .string(suggestion.transformation)),
      ])
    }
    return Self.text(DynamicValue.bag([DynamicEntry("Columns", .array(columns))]).json, named: "SuggestedTableSchema")
  }

  /// The files that the options of a call name, and the columns these have.
  private func storage(_ call: FunctionCall, _ span: SourceSpan) throws(BindFailure) -> (request: ExternalDataRequest, schema: StructType) {
    let name = call.name.text
    guard call.arguments.count == 1, case .dynamic(.bag(let entries)) = try constant(call.arguments[0].value) else {
      try fail(.valueNotAllowed, "\(name)() takes a dynamic bag of options", at: span)
    }
    func option(_ name: String) -> DynamicValue? { entries.first { $0.key.lowercased() == name.lowercased() }?.value }
    func text(_ name: String) throws(BindFailure) -> String? {
      switch option(name) {
      case nil, .null?: return nil
      case .string(let text)?: return text
      case let other?: try fail(.valueNotAllowed, "the option '\(name)' is a text; found \(other.json.prefix(60))", at: span)
      }
    }
    guard case .array(let containers)? = option("StorageContainers"), !containers.isEmpty else { try fail(.missing, "the option 'StorageContainers' is needed", at: span) }
    guard let format = try text("DataFormat") else { try fail(.missing, "the option 'DataFormat' is needed", at: span) }
    if let mode = try text("Mode"), !["any", "last", "all"].contains(mode.lowercased()) { try fail(.valueNotAllowed, "'\(mode)' is no mode", at: span, hint: "modes: any, last, all") }
    var request = ExternalDataRequest(schema: StructType(), sources: [], format: format.lowercased(), ignoresFirstRecord: false, mapping: [])
    let fileStart = try text("FileNamePrefix"), fileEnd = try text("FileExtension") ?? ""
    let filter = (fileStart ?? "") + "*" + fileEnd
    for container in containers {
      guard case .string(let place) = container else { try fail(.valueNotAllowed, "'StorageContainers' holds texts; found \(container.json.prefix(60))", at: span) }
      // A container is a prefix: a directory is searched for the files wanted, a file is taken itself.
      let bare = String(place.prefix { $0 != ";" })
      request.sources.append(bare.hasSuffix("/") || fileStart != nil || (!fileEnd.isEmpty && !bare.hasSuffix(fileEnd)) ? bare + (bare.hasSuffix("/") ? "" : "/") + "**/" + filter : bare)
    }
    if case .bool(true)? = option("InferenceOptions")?["UseFirstRowAsHeader"] { request.ignoresFirstRecord = true }
    let asked = request
    guard let schema = try asking({ () throws in try catalog.externalSchema(asked) }) else { try notSupported("\(name) in this place", at: span) }
    return (request, schema)
  }

  private static func text(_ text: String, named name: String) -> LogicalPlan {
    let out = StructType([StructField(name, .string)])
    return .values(out, [RecordBatch(schema: out, columns: [.constant(.string(text), count: 1)])])
  }

  // MARK: Suggestions

  /// Rows that suggestions go by.
  private static let sampleRows = 10_000

  /// The least and greatest value of each long column in the first rows; nothing for columns without values.
  private func numberRanges(_ request: ExternalDataRequest, _ span: SourceSpan) throws(BindFailure) -> [String: ClosedRange<Int64>] {
    let names = request.schema.fields.filter { $0.type == .long }.map(\.name)
    guard !names.isEmpty, !isSilent else { return [:] }
    let rows = try external(request, "infer_storage_schema_with_suggestions", span).plan
    let extremes = try plan(at: span) {
      try rows.limit(Self.sampleRows).aggregate(
        keys: [],
        aggregates: names.enumerated().flatMap { i, name in ["min", "max"].map { NamedAggregate("\($0)\(i)", AggregateCall($0, [.column(name)])) } })
    }
    guard let row = try run(extremes).first(where: { $0.rowCount > 0 })?.row(0) else { return [:] }
    var ranges: [String: ClosedRange<Int64>] = [:]
    for (i, name) in names.enumerated() {
      if let least = row[2 * i].int64Value, let greatest = row[2 * i + 1].int64Value { ranges[name] = least...greatest }
    }
    return ranges
  }

  /// Numbers that name things are texts; numbers that count time since 1970 are datetimes.
  private static func suggestion(for field: StructField, _ range: ClosedRange<Int64>?) -> (type: DataType, transformation: String) {
    guard field.type == .long else { return (field.type, "None") }
    if field.name.lowercased().hasSuffix("id") { return (.string, "None") }
    // Times count as such within 1990 to 2099, so that small numbers stay numbers. Each unit's range is apart from the next one's.
    let (first, last): (Int64, Int64) = (631_152_000, 4_102_444_800)
    let units: [(name: String, perSecond: Int64)] = [("Seconds", 1), ("Milliseconds", 1000), ("Microseconds", 1_000_000), ("Nanoseconds", 1_000_000_000)]
    if let range, let unit = units.first(where: { range.lowerBound >= first * $0.perSecond && range.upperBound < last * $0.perSecond }) {
      return (.datetime, "DateTimeFromUnix\(unit.name)")
    }
    return (.long, "None")
  }

  private static func column(_ field: StructField) -> DynamicValue {
    .bag([
      DynamicEntry("Name", .string(field.name)),
      DynamicEntry(
        "CslType",
        .bag([
          DynamicEntry("type", .string(field.type.rawValue)), DynamicEntry("IsNumeric", .bool(field.type.isNumeric)),
          DynamicEntry("IsSummable", .bool(field.type.isNumeric || field.type == .datetime || field.type == .timespan)),
        ])),
    ])
  }
}
