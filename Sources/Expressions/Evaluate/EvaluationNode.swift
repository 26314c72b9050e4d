// Role: the bound tree that `CompiledExpr` evaluates: column positions, constants, functions chosen for their argument types, and the
// operators that evaluate their arguments selectively.

import Columnar
import Synchronization

/// A bound node.
indirect enum EvaluationNode: Sendable {
  case column(Int, DataType)
  /// A scalar and its one-row flat vector.
  case constant(Scalar, ColumnVector)
  case call(BoundCall)
  case and([EvaluationNode])
  case or([EvaluationNode])
  /// The value of the first branch whose condition is true, else `otherwise`; all values have the type.
  case choice([Branch], otherwise: EvaluationNode, DataType)
  /// The first value that is not null (not empty for strings); all have the type.
  case coalesce([EvaluationNode], DataType)

  struct Branch: Sendable {
    let condition: EvaluationNode
    let value: EvaluationNode
  }

  var type: DataType {
    switch self {
    case .column(_, let type): type
    case .constant(let scalar, _): scalar.type
    case .call(let call): call.function.type
    case .and, .or: .bool
    case .choice(_, _, let type), .coalesce(_, let type): type
    }
  }

  /// The scalar of a constant node.
  var constant: Scalar? {
    if case .constant(let scalar, _) = self { return scalar }
    return nil
  }

  static func constant(_ scalar: Scalar) -> EvaluationNode { .constant(scalar, ColumnVector.of(scalar.type, [scalar])) }

  /// Adds the positions of all columns read.
  func collectColumns(into out: inout Set<Int>) {
    switch self {
    case .column(let i, _): out.insert(i)
    case .constant: break
    case .call(let call): for argument in call.arguments { argument.collectColumns(into: &out) }
    case .and(let terms), .or(let terms), .coalesce(let terms, _): for term in terms { term.collectColumns(into: &out) }
    case .choice(let branches, let otherwise, _):
      for branch in branches {
        branch.condition.collectColumns(into: &out)
        branch.value.collectColumns(into: &out)
      }
      otherwise.collectColumns(into: &out)
    }
  }

  /// True when equal inputs give equal outputs, row by row.
  var isRowWise: Bool {
    switch self {
    case .column, .constant: true
    case .call(let call): call.function.isRowWise && call.isDeterministic && call.arguments.allSatisfy(\.isRowWise)
    case .and(let terms), .or(let terms), .coalesce(let terms, _): terms.allSatisfy(\.isRowWise)
    case .choice(let branches, let otherwise, _):
      otherwise.isRowWise && branches.allSatisfy { $0.condition.isRowWise && $0.value.isRowWise }
    }
  }
}

/// A function with its bound arguments.
final class BoundCall: Sendable {
  let name: String
  let function: BoundFunction
  let arguments: [EvaluationNode]
  let isDeterministic: Bool
  /// Results for dictionaries seen last, newest first: a row group's batches share one dictionary.
  /// True when all arguments but one are constants of the expression, so that a result depends on one vector alone.
  private let remembers: Bool
  private let remembered = Mutex<[(values: ColumnVector, result: ColumnVector)]>([])

  init(name: String, function: BoundFunction, arguments: [EvaluationNode], isDeterministic: Bool) {
    self.name = name
    self.function = function
    self.arguments = arguments
    self.isDeterministic = isDeterministic
    let varying = arguments.filter { $0.constant == nil }.count
    remembers = varying == 1
  }

  /// The result for these dictionary values, when it was computed lately.
  func recall(_ values: ColumnVector) -> ColumnVector? {
    guard remembers else { return nil }
    return remembered.withLock { list in list.first { $0.values.sharesMemory(with: values) }?.result }
  }

  func remember(_ values: ColumnVector, _ result: ColumnVector) {
    guard remembers else { return }
    remembered.withLock { list in
      if list.count >= 8 { list.removeLast() }
      list.insert((values, result), at: 0)
    }
  }
}

/// What nodes are evaluated on: columns by position (those not read may have any length) and the row count.
struct EvaluationInput {
  let columns: [ColumnVector]
  let rowCount: Int
}
