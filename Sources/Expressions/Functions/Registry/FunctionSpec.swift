// Role: what is declared of a scalar function: names, family, help, and how a call is bound to argument types. One declaration serves
// type checking, evaluation, `kconnect functions` and "did you mean".

package import Columnar

/// The chapter a function is listed under.
package enum FunctionFamily: String, Sendable, CaseIterable {
  case `operator`, conversion, logic, math, text, parsing, hash, time, dynamic, network, geospatial, session, series, sketch, other
}

/// One of several columns that a function gives: the last part of its name, and its type.
package struct FunctionOutput: Sendable {
  package let name: String
  package let type: DataType

  init(_ name: String, _ type: DataType) {
    self.name = name
    self.type = type
  }
}

/// The declaration of one scalar function or operator.
package struct FunctionSpec: Sendable {
  package let name: String
  /// Other names of the same function.
  package let aliases: [String]
  package let family: FunctionFamily
  /// The parameters as the language reference writes them: `text, start [, length]`.
  package let parameters: String
  /// One sentence.
  package let summary: String
  /// One expression in KQL.
  package let example: String
  /// False when two calls with equal arguments may differ (`rand`, `new_guid`).
  package let isDeterministic: Bool
  /// How many arguments a call takes.
  package let arity: ClosedRange<Int>
  /// The columns of a function that gives several; its value is an array of them, to be taken apart with `FunctionName.output`.
  package let outputs: [FunctionOutput]
  let bind: @Sendable (FunctionCall) throws -> BoundFunction

  init(
    _ name: String, aliases: [String] = [], _ family: FunctionFamily, _ arity: ClosedRange<Int>, parameters: String, _ summary: String,
    example: String, isDeterministic: Bool = true, outputs: [FunctionOutput] = [], bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction
  ) {
    self.name = name
    self.aliases = aliases
    self.family = family
    self.arity = arity
    self.outputs = outputs
    self.parameters = parameters
    self.summary = summary
    self.example = example
    self.isDeterministic = isDeterministic
    self.bind = bind
  }
}

/// A call while it is bound: argument types, and values where they are constant.
struct FunctionCall {
  let name: String
  let types: [DataType]
  /// The value of each argument that is constant, nil for the others.
  let constants: [Scalar?]
  let context: EvaluationContext

  var count: Int { types.count }

  /// The wrong-types error of this call.
  func wrongTypes(_ expected: String) -> ExpressionError {
    .argumentTypes(function: name, found: types, expected: expected)
  }

  func invalid(_ message: String) -> ExpressionError { .invalidArgument(function: name, message: message) }

  /// The constant text of argument i; throws when it is not a constant string.
  func constantText(_ i: Int, _ what: String) throws -> String {
    switch constants[i] {
    case .string(let text): return text
    case .null(.string): return ""
    case .dynamic(.string(let text)): return text
    default: throw invalid("\(what) must be a constant string")
    }
  }

  /// The constant whole number of argument i; throws when it is not one.
  func constantInteger(_ i: Int, _ what: String) throws -> Int64 {
    guard let value = constants[i]?.int64Value else { throw invalid("\(what) must be a constant whole number") }
    return value
  }
}

/// How a function treats null arguments.
enum NullRule: Sendable {
  /// A null in any argument that is not a string gives null; the kernel need not look at validity. Strings have no null: the kernel sees ''.
  case propagate
  /// The kernel looks at validity itself.
  case custom
}

/// One value per row from the arguments, each in flat or constant form; string and dynamic arguments may also be dictionaries.
/// The rows of null arguments hold some valid value.
typealias Kernel = @Sendable (_ arguments: [ColumnVector], _ rowCount: Int) throws -> ColumnVector

/// An implementation chosen for the types of a call.
struct BoundFunction: Sendable {
  let type: DataType
  /// The types the kernel takes; arguments of another type are converted first.
  let parameters: [DataType]
  let nulls: NullRule
  /// True when row i of the result depends on row i of the arguments alone, so that it may run on dictionary values.
  let isRowWise: Bool
  /// True when a vector without nulls is its own result.
  let keepsValues: Bool
  let kernel: Kernel

  init(_ type: DataType, _ parameters: [DataType], nulls: NullRule = .propagate, isRowWise: Bool = true, keepsValues: Bool = false, kernel: @escaping Kernel) {
    self.type = type
    self.parameters = parameters
    self.nulls = nulls
    self.isRowWise = isRowWise
    self.keepsValues = keepsValues
    self.kernel = kernel
  }
}
