// Role: a lazy table: a session and a plan. Transformations build plans and check names and types at once; actions run them.

public import Columnar
public import DataSource
package import Engine
import Expressions

/// A table that is computed when an action asks for it. A value: every transformation gives a new one.
public struct DataFrame: Sendable {
  /// The session that runs it.
  public let session: Session
  package let plan: LogicalPlan

  package init(session: Session, plan: LogicalPlan) {
    self.session = session
    self.plan = plan
  }

  /// Columns and their types.
  public var schema: StructType { plan.schema }

  /// The names of the columns.
  public var columns: [String] { plan.schema.names }

  /// Names and types as text pairs: `[("State", "string"), …]`.
  public var dtypes: [(name: String, type: String)] { schema.fields.map { ($0.name, $0.type.description) } }

  /// A column of this frame; throws COLUMN_NOT_FOUND.
  public func column(_ name: String) throws(KConnectError) -> Column {
    try publicErrors {
      guard schema.index(of: name) != nil else { throw ExpressionError.columnNotFound(name, candidates: schema.names) }
      return col(name)
    }
  }

  /// A writer of these rows.
  public var write: DataFrameWriter { DataFrameWriter(frame: self) }

  /// The schema as a tree, as Spark prints it.
  public var schemaTree: String {
    "root\n" + schema.fields.map { " |-- \($0.name): \($0.type)\($0.nullable ? "" : " (not null)")\n" }.joined()
  }

  /// Prints the schema to standard output.
  public func printSchema() { print(schemaTree, terminator: "") }

  /// A frame of another plan in the same session; every thrown error becomes public.
  func derived(_ make: () throws -> LogicalPlan) throws(KConnectError) -> DataFrame {
    try publicErrors { DataFrame(session: session, plan: try make()) }
  }

  var resolver: ColumnResolver { ColumnResolver(session: session, plan: plan) }
}
