// Role: the one door to the KQL module: texts become expressions and plans; diagnostics become the public error with their excerpt.

import Columnar
import DataSource
package import Engine
package import Expressions
import KQL

package enum KQLFrontEnd {
  /// A scalar expression over the columns of a schema.
  package static func expression(_ text: String, schema: StructType) throws -> Expr {
    throw KConnectError(.notSupported, "not supported yet: KQL expressions")
  }

  /// Operators applied to a plan: `where x > 1 | summarize count() by y`. `tables` are in scope for joins and unions.
  package static func pipeline(_ text: String, over plan: LogicalPlan, tables: [String: LogicalPlan]) throws -> LogicalPlan {
    throw KConnectError(.notSupported, "not supported yet: KQL pipelines")
  }

  /// A whole query over tables.
  package static func query(_ text: String, tables: [String: LogicalPlan]) throws -> LogicalPlan {
    throw KConnectError(.notSupported, "not supported yet: KQL queries")
  }
}
