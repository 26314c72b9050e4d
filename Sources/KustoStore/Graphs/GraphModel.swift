// Role: graph models as they are stored: versions of a JSON document, and what the document says.
// Source: Kusto reference, "Graph model overview".

import Columnar
import DataSource
import KQL

/// A graph model with all its versions, the oldest first.
struct GraphModel: Sendable {
  struct Version: Sendable {
    var id: GUID
    /// Ticks.
    var createdOn: Int64
    /// The document as it was written.
    var text: String
  }

  var name: String
  var versions: [Version]

  init(name: String, versions: [Version]) {
    self.name = name
    self.versions = versions
  }

  private init(_ entry: MetadataEntry) {
    name = entry.name
    guard case .array(let versions)? = entry.document["Versions"] else {
      self.versions = []
      return
    }
    self.versions = versions.map { version in
      Version(
        id: GUID(version["Id"]?.stringValue ?? "") ?? GUID(high: 0, low: 0), createdOn: version["CreationTime"]?.longValue ?? 0,
        text: version["Model"]?.stringValue ?? "")
    }
  }

  var document: DynamicValue {
    .bag([
      DynamicEntry(
        "Versions",
        .array(versions.map { version in
          .bag([
            DynamicEntry("Id", .string(version.id.description)), DynamicEntry("CreationTime", .long(version.createdOn)), DynamicEntry("Model", .string(version.text)),
          ])
        }))
    ])
  }

  static func find(_ name: String, in database: String, _ metadata: MetadataStore) throws -> GraphModel? {
    try metadata.entry(.graphModel, name, in: .database(database)).map(GraphModel.init).flatMap { $0.versions.isEmpty ? nil : $0 }
  }

  static func all(in database: String, _ metadata: MetadataStore) throws -> [GraphModel] {
    try metadata.entries(.graphModel, in: .database(database)).map(GraphModel.init).filter { !$0.versions.isEmpty }
  }
}

/// What a model's document says.
struct GraphModelDefinition: Sendable {
  /// A step that adds nodes or edges.
  struct Step: Sendable {
    enum Kind: Sendable {
      case nodes(id: String)
      case edges(source: String, target: String)
    }

    var kind: Kind
    var query: String
    var labels: [String]
    var labelsColumn: String?
  }

  /// The properties that elements with a label have, whatever the queries give.
  private(set) var nodeTypes: [String: [StructField]] = [:]
  private(set) var edgeTypes: [String: [StructField]] = [:]
  private(set) var steps: [Step] = []

  /// Throws VALUE_INVALID for a text that describes no graph.
  init(_ text: String) throws {
    let document: DynamicValue
    do { document = try DynamicValue(parsing: text) } catch { throw Self.invalid("the document is no JSON: \(error)") }
    guard case .bag(let entries) = document else { throw Self.invalid("the document is no JSON object") }
    try Self.refuseOthers(entries, ["Schema", "Definition"], in: "the document")
    if let schema = document["Schema"], schema != .null {
      guard case .bag(let parts) = schema else { throw Self.invalid("'Schema' is no object") }
      try Self.refuseOthers(parts, ["Nodes", "Edges"], in: "'Schema'")
      nodeTypes = try Self.types(schema["Nodes"], "Nodes")
      edgeTypes = try Self.types(schema["Edges"], "Edges")
    }
    guard case .array(let steps)? = document["Definition"]?["Steps"], !steps.isEmpty else { throw Self.invalid("'Definition' has no 'Steps'") }
    self.steps = try steps.enumerated().map { try Self.step($1, number: $0 + 1) }
  }

  private static func step(_ value: DynamicValue, number: Int) throws -> Step {
    let place = "step \(number)"
    guard case .bag(let entries) = value else { throw invalid("\(place) is no object") }
    func text(_ key: String) throws -> String {
      guard case .string(let text)? = value[key], !text.isEmpty else { throw invalid("\(place) has no '\(key)'") }
      return text
    }
    let kind: Step.Kind
    switch try text("Kind") {
    case "AddNodes":
      kind = .nodes(id: try text("NodeIdColumn"))
      try refuseOthers(entries, ["Kind", "Query", "NodeIdColumn", "Labels", "LabelsColumn"], in: place)
    case "AddEdges":
      kind = .edges(source: try text("SourceColumn"), target: try text("TargetColumn"))
      try refuseOthers(entries, ["Kind", "Query", "SourceColumn", "TargetColumn", "Labels", "LabelsColumn"], in: place)
    case let other: throw invalid("\(place) has the kind '\(other)', expected AddNodes or AddEdges")
    }
    var labels: [String] = []
    switch value["Labels"] {
    case nil, .null?: break
    case .array(let items)?:
      labels = try items.map { item in
        guard case .string(let label) = item else { throw invalid("\(place): 'Labels' holds \(item.json), expected texts") }
        return label
      }
    case let other?: throw invalid("\(place): 'Labels' is \(other.json), expected an array of texts")
    }
    var step = Step(kind: kind, query: try text("Query"), labels: labels)
    if let column = value["LabelsColumn"], column != .null { step.labelsColumn = try text("LabelsColumn") }
    return step
  }

  /// `{"Person": {"Name": "string"}}`
  private static func types(_ value: DynamicValue?, _ part: String) throws -> [String: [StructField]] {
    guard let value, value != .null else { return [:] }
    guard case .bag(let labels) = value else { throw invalid("'Schema.\(part)' is no object") }
    var types: [String: [StructField]] = [:]
    for label in labels {
      guard case .bag(let properties) = label.value else { throw invalid("'Schema.\(part).\(label.key)' is no object of properties") }
      types[label.key] = try properties.map { property in
        guard case .string(let word) = property.value, let type = ScalarTypeName(word: word).flatMap({ DataType(rawValue: $0.rawValue) }) else {
          throw invalid("'Schema.\(part).\(label.key).\(property.key)' is \(property.value.json), expected a type")
        }
        return StructField(property.key, type)
      }
    }
    return types
  }

  private static func refuseOthers(_ entries: [DynamicEntry], _ known: [String], in place: String) throws {
    guard let other = entries.first(where: { !known.contains($0.key) }) else { return }
    let near = nearestNames(to: other.key, among: known, limit: 1).first.map { "did you mean '\($0)'?" }
    throw KConnectError(.valueInvalid, "graph model: \(place) has no '\(other.key)'", hint: near ?? "known there: \(known.joined(separator: ", "))")
  }

  private static func invalid(_ what: String) -> KConnectError { KConnectError(.valueInvalid, "graph model: \(what)") }
}
