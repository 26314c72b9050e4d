// Role: plans back to KQL, so that the beginning of a plan can run where its data is. A subtree is printed whole or not at all;
// what KQL cannot say, or says with another meaning elsewhere, stays here.

package import Columnar
package import DataSource
package import Engine
package import Expressions

/// A subtree of a plan as KQL.
package struct KQLFragment: Sendable {
  /// One tabular expression; runs as a query of its own.
  package var text: String
  /// The columns of the result by position. Names that Kusto does not allow are replaced in the text (`columnNames`), so map by position.
  package var schema: StructType
  /// The names of the columns as the text has them.
  package var columnNames: [String]
  /// The tables it reads, as the source named them.
  package var sources: [String]
}

/// How a scanned table is written.
package struct KQLSourceText: Sendable {
  /// A table's name, a path such as `database("d").T`, or a whole query.
  package var text: String
  /// False for texts with statements (`let ...; T`): operators can follow, but the text cannot stand in parentheses.
  package var isNestable: Bool

  package init(_ text: String, isNestable: Bool = true) {
    self.text = text
    self.isNestable = isNestable
  }
}

/// Prints plans as KQL.
///
/// What it keeps exactly: every value of every scalar type (a null string is printed as `''`, for KQL has no other), names that need quotes, the
/// order and names of columns. `now()` is the moment of `context`, so that all parts of a query agree. Functions whose answer depends on where they
/// run (`rand`, `current_database`, row numbers …) end the part that can be printed.
package struct KQLPlanPrinter {
  /// The text of a scanned table; nil for one that cannot be read remotely.
  package typealias Source = (any BatchReadable) -> KQLSourceText?

  private let source: Source
  private let context: EvaluationContext
  /// Replacements for names outside Kusto's rules.
  private var safeNames: [String: String] = [:]
  private var takenNames: Set<String> = []

  private init(source: @escaping Source, context: EvaluationContext) {
    self.source = source
    self.context = context
  }

  /// The whole plan as KQL; nil when some of it cannot be printed. Plans that read no source are printed too.
  package static func print(_ plan: LogicalPlan, context: EvaluationContext, source: @escaping Source = { _ in nil }) -> KQLFragment? {
    var printer = KQLPlanPrinter(source: source, context: context)
    printer.takeNames(plan)
    return printer.fragment(plan)
  }

  /// The longest beginning of a plan that KQL can say: the first largest subtree that reads a source, and the plan with that subtree replaced by
  /// what `scan` gives for it. Nil when no source of the plan can be printed.
  package static func prefix(
    of plan: LogicalPlan, context: EvaluationContext, source: @escaping Source, scan: (KQLFragment) throws -> LogicalPlan
  ) rethrows -> (text: String, rest: LogicalPlan)? {
    var first: String?
    let rest = try pushingDown(plan, context: context, source: source) { fragment in
      if first == nil { first = fragment.text }
      return try scan(fragment)
    }
    return first.map { ($0, rest) }
  }

  /// The plan with every largest subtree that can be printed and reads a source replaced by what `scan` gives for it. The replacement has the
  /// schema of the fragment.
  package static func pushingDown(
    _ plan: LogicalPlan, context: EvaluationContext, source: @escaping Source, scan: (KQLFragment) throws -> LogicalPlan
  ) rethrows -> LogicalPlan {
    var printer = KQLPlanPrinter(source: source, context: context)
    printer.takeNames(plan)
    return try printer.replacing(plan, scan)
  }

  private mutating func replacing(_ plan: LogicalPlan, _ scan: (KQLFragment) throws -> LogicalPlan) rethrows -> LogicalPlan {
    if let fragment = fragment(plan), !fragment.sources.isEmpty { return try scan(fragment) }
    let inputs = plan.inputs
    if inputs.isEmpty { return plan }
    var replaced: [LogicalPlan] = []
    for input in inputs { replaced.append(try replacing(input, scan)) }
    return plan.withInputs(replaced)
  }

  private mutating func fragment(_ plan: LogicalPlan) -> KQLFragment? {
    guard let printed = node(plan.strippingText) else { return nil }
    var names: [String] = []
    for name in plan.schema.names { names.append(safe(name)) }
    return KQLFragment(text: printed.text, schema: plan.schema, columnNames: names, sources: printed.sources)
  }

  // MARK: Names

  private mutating func takeNames(_ plan: LogicalPlan) {
    takenNames.formUnion(plan.schema.names)
    for input in plan.inputs { takeNames(input) }
  }

  /// The name as the text has it: Kusto's names are of letters, digits, `_`, space, `.` and `-`.
  private mutating func safe(_ name: String) -> String {
    let isAllowed = !name.isEmpty && name.unicodeScalars.count <= 1_024
      && name.unicodeScalars.allSatisfy { $0.properties.isAlphabetic || $0.properties.numericType != nil || "_ .-".unicodeScalars.contains($0) }
    if isAllowed { return name }
    if let known = safeNames[name] { return known }
    return fresh(for: name)
  }

  /// A name that nothing in the plan has.
  private mutating func fresh(for name: String?) -> String {
    var number = safeNames.count
    while takenNames.contains("__c\(number)") { number += 1 }
    let made = "__c\(number)"
    takenNames.insert(made)
    if let name { safeNames[name] = made }
    return made
  }

  /// The name of a column, in quotes where it needs them.
  mutating func name(_ name: String) -> String { KQLPrinter.quoted(name: safe(name)) }

  /// A name for a column that the plan does not have.
  mutating func helperName() -> String { fresh(for: nil) }

  /// How the source writes a table.
  func text(of table: any BatchReadable) -> KQLSourceText? { source(table) }

  /// The moment that `now()` stands for.
  var nowTicks: Int64 { context.nowTicks }
}
