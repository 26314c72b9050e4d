// externaldata and inline_external_table: what the text says becomes a request, which the catalog answers.
// Source: Kusto language reference, "externaldata operator", "inline_external_table operator"; mappings: "Data mappings".

import Columnar
import Engine
import Expressions

extension Binder {
  /// `externaldata (a: long) [uri] with (format = 'csv', ignoreFirstRecord = true, ingestionMapping = '[...]')`
  func externalData(_ data: ExternalDataExpression, _ span: SourceSpan) throws(BindFailure) -> TableValue {
    var seen: Set<String> = []
    for column in data.columns where !seen.insert(column.name.text).inserted {
      try fail(.duplicateColumn, "column '\(column.name.text)' is declared twice", at: column.span)
    }
    let schema = StructType(data.columns.map { StructField($0.name.text, DataType($0.type.type)) })
    let sources = try places(data.sources)
    guard !sources.isEmpty else { try fail(.missing, "externaldata needs a path or address", at: span) }
    var request = ExternalDataRequest(schema: schema, sources: sources, format: nil, ignoresFirstRecord: false, mapping: [])
    for property in data.properties {
      let value = try propertyValue(property)
      switch (property.name.text.lowercased(), value) {
      case ("format", .string(let format)): request.format = format.lowercased()
      case ("ignorefirstrecord", .bool(let flag)): request.ignoresFirstRecord = flag
      case ("ignorefirstrecord", .string(let text)): request.ignoresFirstRecord = text.lowercased() == "true"
      case ("ingestionmapping", .string(let text)): request.mapping = try mapping(text, schema, property.span)
      case ("ingestionmappingreference", _): try notSupported("ingestionMappingReference; write the mapping with ingestionMapping", at: property.span)
      default:
        try fail(.unknownParameter, "externaldata has no property '\(property.name.text)' of this form", at: property.span, hint: "properties: format, ignoreFirstRecord, ingestionMapping")
      }
    }
    return try external(request, "externaldata", span)
  }

  /// `inline_external_table (a: long) kind = storage dataformat = csv (uri) with (includeHeaders = 'All')`, and `inline_external_table kind = delta (uri)`
  func inlineExternalTable(_ table: InlineExternalTableExpression, _ span: SourceSpan) throws(BindFailure) -> TableValue {
    let name = "inline_external_table"
    var request = ExternalDataRequest(schema: StructType(), sources: try places(table.sources), format: nil, ignoresFirstRecord: false, mapping: [])
    var seen: Set<String> = []
    for column in table.columns where !seen.insert(column.name.text).inserted {
      try fail(.duplicateColumn, "column '\(column.name.text)' is declared twice", at: column.span)
    }
    request.schema = StructType(table.columns.map { StructField($0.name.text, DataType($0.type.type)) })
    if let partition = table.partitions.first { try notSupported("partition by of \(name)", at: partition.column.span) }
    if let element = table.pathFormat.first { try notSupported("pathformat of \(name)", at: element.span) }
    switch table.kind.text {
    case "delta":
      if let format = table.dataFormat { try fail(.unknownParameter, "kind=delta takes no dataformat", at: format.span) }
      if let property = table.properties.first { try fail(.unknownParameter, "kind=delta takes no properties", at: property.span) }
      guard request.sources.count == 1 else { try fail(.valueNotAllowed, "kind=delta takes the place of one table, found \(request.sources.count)", at: span) }
      request.format = "delta"
    case "storage":
      guard !table.columns.isEmpty else { try fail(.missing, "kind=storage needs columns", at: span, hint: "write: \(name) (column: type, ...) kind=storage ...") }
      guard let format = table.dataFormat else { try fail(.missing, "kind=storage needs a dataformat", at: span) }
      guard !request.sources.isEmpty else { try fail(.missing, "\(name) needs a path or address", at: span) }
      request.format = format.text.lowercased()
      try storageProperties(table.properties, &request)
    default: try fail(.valueNotAllowed, "'\(table.kind.text)' is no kind of \(name)", at: table.kind.span, hint: "kinds: storage, delta")
    }
    return try external(request, name, span)
  }

  private func storageProperties(_ properties: [OperatorParameter], _ request: inout ExternalDataRequest) throws(BindFailure) {
    var prefix: String?, fileEnd: String?
    for property in properties {
      guard case .string(let text) = try propertyValue(property) else { try fail(.constantExpected, "a text is needed here", at: property.span) }
      switch (property.name.text.lowercased(), text.lowercased()) {
      case ("includeheaders", "all"): request.ignoresFirstRecord = true
      case ("includeheaders", "firstfile") where request.sources.count == 1: request.ignoresFirstRecord = true
      case ("includeheaders", "none"), ("encoding", "utf8nobom"), ("encoding", "utf8bom"): break
      case ("includeheaders", "firstfile"): try notSupported("includeHeaders='FirstFile' with several files", at: property.span)
      case ("encoding", _): try notSupported("the encoding '\(text)'", at: property.span)
      case ("nameprefix", _): prefix = text
      case ("fileextension", _): fileEnd = text
      default:
        try fail(.unknownParameter, "inline_external_table has no property '\(property.name.text)' of this form", at: property.span, hint: "properties: includeHeaders, encoding, namePrefix, fileExtension")
      }
    }
    if prefix == nil && fileEnd == nil { return }
    let pattern = "**/\(prefix ?? "")*\(fileEnd ?? "")"
    request.sources = request.sources.map { $0.hasSuffix("/") ? "\($0)\(pattern)" : "\($0)/\(pattern)" }
  }

  /// Paths and addresses as texts.
  private func places(_ sources: [Expression]) throws(BindFailure) -> [String] {
    try each(sources) { source throws(BindFailure) in
      guard case .string(let text) = try self.constant(source), !text.isEmpty else { try self.fail(.constantExpected, "a path or address as text is needed here", at: source.span) }
      return text
    }
  }

  private func propertyValue(_ property: OperatorParameter) throws(BindFailure) -> Scalar {
    switch property.value {
    case .name(let name): return .string(name.text)
    case .expression(let expression): return try constant(expression)
    case .names: try fail(.constantExpected, "one value is needed here", at: property.span)
    }
  }

  /// What the catalog answers; `what` names the place for the message.
  func external(_ request: ExternalDataRequest, _ what: String, _ span: SourceSpan) throws(BindFailure) -> TableValue {
    guard let plan = try asking({ () throws in try catalog.externalData(request) }) else { try notSupported("\(what) in this place", at: span) }
    return TableValue(plan: plan)
  }

  /// `[{"Column": "a", "Properties": {"Path": "$.x"}}]`, and the older form with the properties beside the column's name.
  private func mapping(_ text: String, _ schema: StructType, _ span: SourceSpan) throws(BindFailure) -> [ExternalDataRequest.Mapping] {
    guard case .array(let items)? = try? DynamicValue(parsing: text) else { try fail(.malformedLiteral, "ingestionMapping is no JSON array", at: span) }
    return try each(items) { item throws(BindFailure) in
      func text(_ name: String) -> DynamicValue? {
        guard case .bag(let entries) = item else { return nil }
        let inner = entries.first { $0.key.lowercased() == "properties" }?.value
        let all = entries + { if case .bag(let more)? = inner { more } else { [] } }()
        return all.first { $0.key.lowercased() == name }?.value
      }
      guard case .string(let column)? = text("column") ?? text("name"), schema.index(of: column) != nil else {
        try self.fail(.unknownName, "a mapping names no column of externaldata", at: span, hint: "columns: \(schema.names.joined(separator: ", "))")
      }
      if let transform = text("transform"), transform != .string("None"), transform != .null {
        try self.notSupported("the transform of column '\(column)' in ingestionMapping", at: span)
      }
      var out = ExternalDataRequest.Mapping(column: column)
      if case .string(let path)? = text("path") { out.path = path }
      switch text("ordinal") {
      case .long(let n)?: out.ordinal = Int(n)
      case .string(let digits)?: out.ordinal = Int(digits)
      default: break
      }
      if case .string(let value)? = text("constvalue") ?? text("constantvalue") { out.constant = value }
      return out
    }
  }
}
