// Role: the plan of a query as text, for `.show queryplan`.

import Engine

enum QueryExecutionText {
  static func explain(_ plan: LogicalPlan, _ executor: CommandExecutor, _ request: Request) throws -> String {
    try QueryExecution(plan, options: executor.options, context: request.context).explain(.extended)
  }
}
