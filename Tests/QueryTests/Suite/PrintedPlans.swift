// Role: plans through the plan printer: sources become named tables, every part that KQL can say is printed and bound again.

import Columnar
import DataSource
import Engine
import Expressions
import KQL

enum PrintedPlans {
  static func roundTrip(_ plan: LogicalPlan, _ context: EvaluationContext) throws -> LogicalPlan {
    var tables: [String: LogicalPlan] = [:]
    let named = try namingSources(plan, &tables)
    let catalog = PlanCatalog(tables)
    let source: KQLPlanPrinter.Source = { table in (table as? SuiteTable).map { KQLSourceText($0.description) } }
    return try KQLPlanPrinter.pushingDown(named, context: context, source: source) { fragment in
      let bound: BoundQuery
      do { bound = try KQL.bind(fragment.text, catalog: catalog, options: BindOptions(context: context)) } catch {
        throw CaseFileError(description: "the printed plan does not bind: \(error)\n\(fragment.text)")
      }
      let again = bound.results[0].plan
      guard again.schema.names == fragment.columnNames, again.schema.fields.map(\.type) == fragment.schema.fields.map(\.type) else {
        throw CaseFileError(description: "the printed plan has the columns (\(again.schema)), not (\(fragment.schema))\n\(fragment.text)")
      }
      if again.schema.names == fragment.schema.names { return again }
      return try again.project(zip(fragment.schema.names, fragment.columnNames).map { NamedExpr($0, .column($1)) })
    }
  }

  private static func namingSources(_ plan: LogicalPlan, _ tables: inout [String: LogicalPlan]) throws -> LogicalPlan {
    guard case .values(let batches) = plan.node, plan.schema.count > 0 else {
      var inputs: [LogicalPlan] = []
      for input in plan.inputs { inputs.append(try namingSources(input, &tables)) }
      return inputs.isEmpty ? plan : plan.withInputs(inputs)
    }
    let name = "source\(tables.count)"
    let scan = LogicalPlan.scan(SuiteTable(plan.schema, batches, answer: .unsupported, name: name))
    tables[name] = scan
    return scan
  }
}
