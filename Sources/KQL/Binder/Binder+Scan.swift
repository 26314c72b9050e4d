// scan: declared columns, steps with their conditions and assignments, and references to the states of steps.
// Source: Kusto language reference, "scan operator".

import Columnar
import Engine
import Expressions

extension Binder {
  func scan(_ scan: ScanOperator, _ input: TableValue, _ step: TabularOperator) throws(BindFailure) -> LogicalPlan {
    let row = rowScope(input)
    var rows = try windowed(input.plan, row, step.span)
    if scan.order.isEmpty {
      guard input.isSerialized else {
        try fail(.notSerialized, "scan needs rows in a fixed order", at: step.nameSpan, hint: "put 'serialize' or 'sort by' before it")
      }
    } else {
      let keys = try sortKeys(scan.order, row)
      rows = try plan(at: step.span) { [rows] in try rows.sort(keys) }
    }
    let partition = try each(scan.partition) { expression throws(BindFailure) in
      guard case .column(let name) = try self.scalar(expression, row).expr else {
        try self.fail(.columnExpected, "scan is partitioned by columns", at: expression.span)
      }
      return name
    }
    let declared = try each(scan.declared) { parameter throws(BindFailure) in try self.scanColumn(parameter, input) }
    var names: Set<String> = []
    for column in declared where !names.insert(column.name).inserted {
      try fail(.duplicateColumn, "column '\(column.name)' is declared twice", at: step.nameSpan)
    }
    let steps = try scanSteps(scan.steps, declared, input)
    let matchID = Self.word(step, "with_match_id")
    rows = try plan(at: step.span) { [rows] in try rows.withTexts(Set(partition)) }
    let op = StepScanOperator(steps: steps, declared: declared, partition: partition, matchID: matchID)
    return try plan(at: step.span) { [rows] in try .custom(op, [rows]) }
  }

  private func scanColumn(_ parameter: ParameterDeclaration, _ input: TableValue) throws(BindFailure) -> StepScanOperator.Declared {
    guard case .scalar(let type) = parameter.type else { try fail(.scalarExpected, "scan declares scalar columns", at: parameter.span) }
    guard input.plan.schema.index(of: parameter.name.text) == nil else {
      try fail(.duplicateColumn, "column '\(parameter.name.text)' is there already", at: parameter.name.span)
    }
    let wanted = DataType(type.type)
    guard let value = parameter.defaultValue else { return StepScanOperator.Declared(parameter.name.text, initial: .null(wanted)) }
    let given = try constant(value)
    guard let initial = Self.convert(given, to: wanted) else {
      try fail(.typeExpected, "column '\(parameter.name.text)' is \(wanted), its default is \(given.type)", at: value.span)
    }
    return StepScanOperator.Declared(parameter.name.text, initial: initial)
  }

  private func scanSteps(
    _ steps: [ScanOperator.Step], _ declared: [StepScanOperator.Declared], _ input: TableValue
  ) throws(BindFailure) -> [ScanStep] {
    let fields = input.plan.schema.fields + declared.map { StructField($0.name, $0.initial.type) }
    var names: Set<String> = []
    for step in steps where !names.insert(step.name.text).inserted {
      try fail(.duplicateVariable, "step '\(step.name.text)' is there twice", at: step.name.span)
    }
    var states: [StructField] = []
    for step in steps {
      for field in fields { states.append(StructField(StepScanOperator.stateColumn(step.name.text, field.name), field.type)) }
    }
    var row = RowScope(StructType(fields), tableName: input.name)
    row.steps = names
    row.states = states
    return try each(steps) { [row] step throws(BindFailure) in
      let (condition, type) = try self.typed(step.condition, row)
      guard type == .bool else { try self.fail(.typeExpected, "the condition of a step is a bool; this is \(type)", at: step.condition.span) }
      var output = ScanOutput.all
      if let word = step.output {
        guard let found = ScanOutput(rawValue: word.text) else {
          try self.fail(.valueNotAllowed, "'\(word.text)' is no output of a step", at: word.span, hint: "outputs: all, last, none")
        }
        output = found
      }
      let assignments = try self.each(step.assignments) { assignment throws(BindFailure) in try self.scanAssignment(assignment, row) }
      return ScanStep(name: step.name.text, isOptional: step.isOptional, output: output, condition: condition, assignments: assignments)
    }
  }

  private func scanAssignment(
    _ assignment: ScanOperator.Assignment, _ row: RowScope
  ) throws(BindFailure) -> NamedExpr {
    let name = assignment.name.text
    guard let wanted = row.types.field(name)?.type else {
      try fail(.unknownName, "'\(name)' is no column of the row, nor declared", at: assignment.name.span, hint: NameSuggestion.hint(for: name, among: row.types.names))
    }
    let (expr, type) = try typed(assignment.value, row)
    if type == wanted { return NamedExpr(name, expr) }
    guard type.isNumeric && wanted.isNumeric || type == .dynamic || wanted == .dynamic else {
      try fail(.typeExpected, "column '\(name)' is \(wanted), found \(type)", at: assignment.value.span)
    }
    return NamedExpr(name, Self.conversion(expr, to: wanted))
  }
}
