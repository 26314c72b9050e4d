// Role: scan: rows in order are matched against steps, each with a condition over the row and over what earlier steps matched.
// Source: Kusto language reference, "scan operator", its "Scan logic".

package import Columnar
import DataSource
package import Expressions

/// What scan does with the rows that a step matches.
package enum ScanOutput: String, Sendable, Hashable, CaseIterable {
  /// Gives each of them.
  case all
  /// Gives the last one of a run of matches.
  case last
  case none
}

/// A step of scan.
package struct ScanStep: Sendable {
  package var name: String
  /// True when the step after it may follow the step before it, too.
  package var isOptional: Bool
  package var output: ScanOutput
  /// A bool over the row, the declared columns and the states (`StepScanOperator.stateColumn`).
  package var condition: Expr
  /// Declared or input columns with their new values, each seeing those before it.
  package var assignments: [NamedExpr]

  package init(name: String, isOptional: Bool, output: ScanOutput, condition: Expr, assignments: [NamedExpr]) {
    self.name = name
    self.isOptional = isOptional
    self.output = output
    self.condition = condition
    self.assignments = assignments
  }
}

/// Matches the rows of each partition against the steps; gives the input's columns, the declared ones, and the number of the match.
package struct StepScanOperator: TableOperator {
  /// A declared column and its value before a step assigns one.
  package struct Declared: Sendable {
    package var name: String
    package var initial: Scalar

    package init(_ name: String, initial: Scalar) {
      self.name = name
      self.initial = initial
    }
  }

  let steps: [ScanStep]
  let declared: [Declared]
  /// Input columns whose values have states of their own each.
  let partition: [String]
  /// The output column with the match's number, from 0.
  let matchID: String?

  package init(steps: [ScanStep], declared: [Declared], partition: [String], matchID: String?) {
    self.steps = steps
    self.declared = declared
    self.partition = partition
    self.matchID = matchID
  }

  /// The name under which expressions read a column of a step's state.
  package static func stateColumn(_ step: String, _ column: String) -> String { "$\(step).\(column)" }

  package var name: String { "StepScan" }

  package var detail: String {
    steps.map { step in
      let assigned = step.assignments.isEmpty ? "" : " => \(ExprText.text(step.assignments))"
      return "\(quotedName(step.name)): \(ExprText.text(step.condition))\(assigned)"
    }.joined(separator: "; ")
  }

  package func outputSchema(_ inputs: [StructType]) throws -> StructType {
    StructType(inputs[0].fields + declared.map { StructField($0.name, $0.initial.type) } + (matchID.map { [StructField($0, .long)] } ?? []))
  }

  package func columnsRead(for wanted: Set<String>, inputs: [StructType]) -> [Set<String>] {
    var names = wanted.union(partition)
    for step in steps {
      names.formUnion(step.assignments.map(\.name))
      for expr in [step.condition] + step.assignments.map(\.expr) { names.formUnion(expr.columns) }
    }
    let inputNames = inputs[0].names
    let states = Set(steps.map(\.name))
    // A state's column stands for the input column of its name.
    for name in names where name.hasPrefix("$") {
      for state in states where name.hasPrefix("$\(state).") { names.insert(String(name.dropFirst(state.count + 2))) }
    }
    return [names.intersection(inputNames)]
  }

  package func execution(inputs: [StructType], output: StructType, context: TableOperatorContext) throws -> TableOperatorExecution {
    .ordered(try StepScanTransform(self, inputs[0], output, context))
  }
}
