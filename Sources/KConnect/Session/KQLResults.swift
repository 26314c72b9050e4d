// Role: texts with several results, names and pictures, for programs that show them: the command line, the shell, a server.

package import DataSource
package import Engine
package import Expressions
package import KQL
package import KustoStore

/// One result of a KQL text.
package struct KQLResult: Sendable {
  package var frame: DataFrame
  /// The name given by `as`.
  package var name: String?
  /// What `render` asks for.
  package var visualization: Visualization?
  /// The moment the text was bound at, which its run keeps; nil: that of the run.
  package var context: EvaluationContext?
  /// The request to a store that the result belongs to.
  package var request: RequestTicket?

  package init(
    frame: DataFrame, name: String? = nil, visualization: Visualization? = nil, context: EvaluationContext? = nil, request: RequestTicket? = nil
  ) {
    self.frame = frame
    self.name = name
    self.visualization = visualization
    self.context = context
    self.request = request
  }

  /// Calls `body` with a run of the result; what it takes, and its failure, count for the request.
  package func running<R>(_ body: (QueryExecution) throws -> R) throws -> R {
    func prepare() throws -> QueryExecution { try frame.session.execution(frame.plan, context: context) }
    guard let request else { return try body(try prepare()) }
    return try request.running(prepare, body)
  }
}

extension Session {
  /// Binds a text; one result per query in it. Throws KQL_SYNTAX, KQL_SEMANTIC, COLUMN_NOT_FOUND, … with the place in the text.
  package func results(_ text: String, catalog: any KQLCatalog) throws(KConnectError) -> [KQLResult] {
    let frontEnd = KQLFrontEnd(self)
    return try publicErrors {
      try frontEnd.bound(text, catalog: catalog).results.map {
        KQLResult(frame: DataFrame(session: self, plan: $0.plan), name: $0.name, visualization: $0.visualization, context: frontEnd.options.context)
      }
    }
  }

  /// Tables by name, and files by place, for texts of this session.
  package func catalog(_ tables: [String: DataFrame]) -> any KQLCatalog { SessionCatalog(tables: tables.mapValues(\.plan), session: self) }

  /// How texts of this session are bound, for completion.
  package var bindOptions: BindOptions { KQLFrontEnd(self).options }
}
