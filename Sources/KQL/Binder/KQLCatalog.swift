// What the binder needs from its surroundings, and what it gives back.

package import Columnar
package import Engine
package import Expressions

/// The tables and stored functions that a query can name.
package protocol KQLCatalog: Sendable {
  /// The plan that reads a table; nil when there is none of that name. `database` is nil for the current one.
  func table(_ name: String, database: String?) throws -> LogicalPlan?
  /// The names of all tables, for wildcards and suggestions.
  func tableNames(database: String?) -> [String]
  /// The stored functions that wildcards find among the tables.
  func viewNames(database: String?) -> [String]
  /// A stored function as it was created: `(a: long) { ... }`; nil when there is none.
  func functionText(_ name: String, database: String?) throws -> String?
  /// The names and the parameters, in brackets, of all stored functions, for those who write a text.
  func storedFunctions(database: String?) -> [(name: String, parameters: String)]
  /// Whether the request itself brings a table of that name: it stands before a stored function, as a table of the store does not.
  func bringsTable(_ name: String) -> Bool
  /// The names of all databases, for suggestions.
  var databaseNames: [String] { get }
  /// Throws PATH_NOT_FOUND where names without a database are those of one that is not there.
  func checkDatabase() throws

  /// As `table`, with the columns of `RowOrigin` behind the table's own where it has them.
  func tableWithOrigin(_ name: String, database: String?) throws -> LogicalPlan?
  /// The rows of an external table; nil when there is none of that name. `database` as in `table`.
  func externalTable(_ name: String, database: String?) throws -> LogicalPlan?
  var externalTableNames: [String] { get }
  /// The rows of a materialized view; nil when there is none of that name.
  func materializedView(_ name: String, database: String?) throws -> LogicalPlan?
  var materializedViewNames: [String] { get }
  /// The rows of a stored query result of whoever asks; nil when there is none of that name.
  func storedQueryResult(_ name: String, database: String?) throws -> LogicalPlan?
  /// The graph of a stored model; nil when there is no model of that name. Throws PATH_NOT_FOUND for an unknown snapshot.
  func graph(_ model: String, _ version: GraphVersion, database: String?) throws -> GraphValue?
  var graphModelNames: [String] { get }
  /// What `current_database()`, `current_principal()`, `cursor_current()` and their like give; nil where there is no session.
  func sessionValue(_ function: String) throws -> Scalar?
  /// Whether whoever asks is one of these principals, or belongs to one that is a group; nil where there is no session.
  func isPrincipal(amongOrIn names: [String]) throws -> Bool?
  /// The last commit of a table that a cursor covers; nil where there are no cursors.
  func cursorVersion(_ cursor: String, table id: String) throws -> Int64?
  /// Whether `cluster("name")` means this place.
  func isLocal(cluster: String) -> Bool
  /// Hears of a `set` statement before what follows it is bound; false where it cannot be obeyed.
  func apply(setting name: String, _ value: Scalar) -> Bool
  /// The plan that reads files named in the text; nil where none are read.
  func externalData(_ request: ExternalDataRequest) throws -> LogicalPlan?
  /// The columns that files named in the text have; nil where none are read.
  func externalSchema(_ request: ExternalDataRequest) throws -> StructType?
}

extension KQLCatalog {
  package func viewNames(database: String?) -> [String] { [] }
  package func functionText(_ name: String, database: String?) throws -> String? { nil }
  package func storedFunctions(database: String?) -> [(name: String, parameters: String)] { [] }
  package func bringsTable(_ name: String) -> Bool { false }
  package var databaseNames: [String] { [] }
  package func checkDatabase() throws {}
  package func tableWithOrigin(_ name: String, database: String?) throws -> LogicalPlan? { try table(name, database: database) }
  package func externalTable(_ name: String, database: String?) throws -> LogicalPlan? { nil }
  package var externalTableNames: [String] { [] }
  package func materializedView(_ name: String, database: String?) throws -> LogicalPlan? { nil }
  package var materializedViewNames: [String] { [] }
  package func storedQueryResult(_ name: String, database: String?) throws -> LogicalPlan? { nil }
  package func graph(_ model: String, _ version: GraphVersion, database: String?) throws -> GraphValue? { nil }
  package var graphModelNames: [String] { [] }
  /// Where nothing is kept: the start of everything as the cursor, nobody in particular as the principal.
  package func sessionValue(_ function: String) throws -> Scalar? {
    switch function {
    case "cursor_current", "current_cursor": .string("")
    case "current_database": .string("NetDefaultDB")
    case "current_cluster_endpoint": .string("local")
    case "current_principal", "current_user": .string("localuser")
    case "current_principal_details":
      .dynamic(.bag([DynamicEntry("Type", .string("User")), DynamicEntry("DisplayName", .string("localuser")), DynamicEntry("FQN", .string("localuser"))]))
    default: nil
    }
  }
  package func isPrincipal(amongOrIn names: [String]) throws -> Bool? {
    guard case .string(let principal)? = try sessionValue("current_principal") else { return nil }
    return names.contains(principal)
  }
  package func cursorVersion(_ cursor: String, table id: String) throws -> Int64? { nil }
  package func externalData(_ request: ExternalDataRequest) throws -> LogicalPlan? { nil }
  package func externalSchema(_ request: ExternalDataRequest) throws -> StructType? { nil }
  package func apply(setting name: String, _ value: Scalar) -> Bool { RequestSettings.isOff(value) || !RequestSettings.ofCatalog.contains(name.lowercased()) }
  package func isLocal(cluster: String) -> Bool { ["", ".", "local", "localhost"].contains(cluster.lowercased()) }
}

/// A graph on its way to an operator that reads it.
package struct GraphValue: Sendable {
  package var definition: GraphDefinition
  /// The edge table, then the node tables.
  package var inputs: [LogicalPlan]

  package init(definition: GraphDefinition, inputs: [LogicalPlan]) {
    self.definition = definition
    self.inputs = inputs
  }
}

/// What `graph("model", …)` asks for.
package enum GraphVersion: Sendable, Hashable {
  /// The newest snapshot; the model's queries where there is none.
  case latest
  case snapshot(String)
  /// What the model's queries give now.
  case transient
}

/// A catalog of plans by name.
package struct PlanCatalog: KQLCatalog {
  package var tables: [String: LogicalPlan]

  package init(_ tables: [String: LogicalPlan] = [:]) { self.tables = tables }

  package func table(_ name: String, database: String?) throws -> LogicalPlan? { database == nil ? tables[name] : nil }
  package func tableNames(database: String?) -> [String] { database == nil ? tables.keys.sorted() : [] }
}

/// How a text is bound.
package struct BindOptions: Sendable {
  /// Values fixed for the whole query, such as `now()`; use the same for execution.
  package var context: EvaluationContext
  /// How queries run that must be answered before the plan is known: `toscalar`, `in (query)` inside expressions, `materialize`.
  package var execution = ExecutionOptions()
  /// Runs such a query by calling the second argument with the first. Whoever may stop the request learns of its queries here.
  package var supervise: @Sendable (QueryExecution, (QueryExecution) throws -> Void) throws -> Void = { try $1($0) }
  /// Values for `declare query_parameters`.
  package var parameters: [String: Scalar] = [:]
  /// The same as texts, read as literals of the declared type; strings may also be bare.
  package var parameterTexts: [String: String] = [:]
  /// Options of the request by lower-case name; `set` statements stand over them.
  package var settings: [String: Scalar] = [:]
  /// Whether a union takes what it finds, as `set best_effort` says too.
  package var isBestEffort = false
  /// Whether results keep the columns of `RowOrigin` that their operators pass on: the text stands for a table inside another.
  package var givesRowOrigin = false
  /// Whether the text is only checked before it is stored: what `assert` asks for need not hold yet.
  package var isDefinition = false

  package init(context: EvaluationContext) { self.context = context }
}

/// A bound text.
package struct BoundQuery: Sendable {
  /// One per query statement, in order; at least one.
  package var results: [BoundResult]
  /// `set` statements by name; an option without a value is true.
  package var options: [String: Scalar]
  /// Warnings only.
  package var warnings: [KQLDiagnostic]
}

/// One tabular result.
package struct BoundResult: Sendable {
  package var plan: LogicalPlan
  /// The name given by `as`.
  package var name: String?
  /// What `render` asks for; the plan does not depend on it.
  package var visualization: Visualization?
}

/// `render kind with (properties)`, for clients that draw.
package struct Visualization: Sendable, Hashable {
  /// The kinds that the language knows; a client draws those it can.
  /// Source: Kusto reference, "render operator", and the words of its grammar.
  package static let kinds = [
    "3Dchart", "anomalychart", "areachart", "barchart", "card", "columnchart", "graph", "ladderchart", "linechart", "piechart", "pivotchart", "plotly",
    "scatterchart", "stackedareachart", "table", "timechart", "timeline", "timepivot", "treemap",
  ]

  package var kind: String
  /// Property values as text, names joined with commas, in the order written.
  package var properties: [(name: String, value: String)]

  package init(kind: String, properties: [(name: String, value: String)]) {
    self.kind = kind
    self.properties = properties
  }

  package static func == (a: Visualization, b: Visualization) -> Bool {
    a.kind == b.kind && a.properties.elementsEqual(b.properties) { $0 == $1 }
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    for property in properties { hasher.combine(property.name) }
  }
}
