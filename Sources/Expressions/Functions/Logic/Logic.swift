// Role: not and the predicates on nulls, empty texts and numbers. (and, or, iff, case and coalesce are bound by the evaluator itself.)

import Columnar

private func predicate(_ name: String, aliases: [String] = [], _ summary: String, _ example: String, bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction)
  -> FunctionSpec
{
  FunctionSpec(name, aliases: aliases, .logic, 1...1, parameters: "value", summary, example: example, bind: bind)
}

/// isnull and isnotnull: a string is never null.
private func nullTest(_ isNotNull: Bool) -> @Sendable (FunctionCall) throws -> BoundFunction {
  { call in
    BoundFunction(.bool, [call.types[0]], nulls: .custom) { arguments, n in
      guard arguments[0].type != .string, let validity = arguments[0].validity else { return .bool(Bitmap(repeating: isNotNull, count: n)) }
      return .bool(isNotNull ? validity : validity.inverted)
    }
  }
}

/// The null test of DataFrames, where a null string is null. Its name cannot be written in KQL.
private func frameNullTest(_ call: FunctionCall) throws -> BoundFunction {
  BoundFunction(.bool, [call.types[0]], nulls: .custom) { arguments, n in
    .bool(arguments[0].validity?.inverted ?? Bitmap(repeating: false, count: n))
  }
}

/// '' for a null string. Null slots are empty nearly always: then the same memory without its validity is the result.
private func emptyForNull(_ call: FunctionCall) throws -> BoundFunction {
  guard call.types[0] == .string else { throw call.wrongTypes("a string") }
  return BoundFunction(.string, [.string], nulls: .custom, keepsValues: true) { arguments, n in
    guard let validity = arguments[0].validity else { return arguments[0] }
    let flat = arguments[0].flattened
    let nulls = validity.inverted.indices()
    if case .bytes(let offsets, _) = flat.storage, (0..<nulls.count).allSatisfy({ offsets[Int(nulls[$0])] == offsets[Int(nulls[$0]) + 1] }) {
      return flat.withValidity(nil)
    }
    let all = ColumnVector.concat([flat.withValidity(nil), ColumnVector.of(.string, [.string("")])], type: .string)
    return all.take(Buffer((0..<n).map { Int32(truncatingIfNeeded: validity[$0] ? $0 : n) }))
  }
}

/// isempty and isnotempty: '' and null.
// SAFETY: the argument outlives the loop that reads it; only the count of a string's bytes is taken.
private func emptyTest(_ isNotEmpty: Bool) -> @Sendable (FunctionCall) throws -> BoundFunction {
  { call in
    BoundFunction(.bool, [call.types[0]], nulls: .custom) { arguments, n in
      let present: Bitmap
      if arguments[0].type == .string {
        present = arguments[0].presentRows
      } else if arguments[0].type == .dynamic {
        let values = DynamicRows(arguments[0])
        present = bits(n) { i in
          let value = values[i]
          return unsafe value.tag != .null && !(value.tag == .string && value.stringBytes.count == 0)
        }
      } else {
        present = arguments[0].validity ?? Bitmap(repeating: true, count: n)
      }
      return .bool(isNotEmpty ? present : present.inverted)
    }
  }
}

/// isnan, isinf and isfinite: false for null, as the reference has it ("and false otherwise").
private func realTest(_ test: @escaping @Sendable (Double) -> Bool) -> @Sendable (FunctionCall) throws -> BoundFunction {
  { call in
    guard call.types[0].isNumeric || call.types[0] == .dynamic else { throw call.wrongTypes("a number") }
    return BoundFunction(.bool, [.real], nulls: .custom) { arguments, n in
      let values = RealRows(arguments[0])
      let passed = bits(n) { test(values[$0]) }
      return .bool(arguments[0].validity.map { passed.and($0) } ?? passed)
    }
  }
}

let logicFunctions: [FunctionSpec] = [
  predicate(FunctionName.not, "The other truth value; null stays null.", "not(1 == 2)") { call in
    guard call.types[0] == .bool || call.types[0] == .dynamic || call.types[0].isNumeric else { throw call.wrongTypes("bool") }
    return BoundFunction(.bool, [.bool]) { arguments, n in
      let truth = arguments[0].truth
      return .bool(truth.isFalse, validity: truth.isTrue.or(truth.isFalse))
    }
  },
  FunctionSpec("assert", .logic, 2...2, parameters: "condition, message", "True, or an error with the message when the condition is false.",
    example: "assert(1 < 2, 'impossible')") { call in
    BoundFunction(.bool, [.bool, .string], nulls: .custom) { arguments, n in
      let condition = arguments[0].truth, message = StringRows(arguments[1])
      if let failed = condition.isTrue.inverted.indices().array.first {
        throw ExpressionError.invalidArgument(function: "assert", message: message[Int(failed)])
      }
      return .bool(condition.isTrue)
    }
  },
  predicate("isnull", "True for null; a string is never null.", "isnull(int(null))", bind: nullTest(false)),
  predicate("isnotnull", aliases: ["notnull"], "True for everything but null; a string is never null.", "isnotnull(1)", bind: nullTest(true)),
  predicate("is null", "True for null, a null string included; for DataFrames.", "", bind: frameNullTest),
  FunctionSpec(FunctionName.text, .operator, 1...1, parameters: "text", "The text, '' for null.", example: "", bind: emptyForNull),
  predicate("isempty", "True for '' and null.", "isempty('')", bind: emptyTest(false)),
  predicate("isnotempty", aliases: ["notempty"], "False for '' and null.", "isnotempty('a')", bind: emptyTest(true)),
  predicate("isnan", "True for NaN.", "isnan(0.0 / 0.0)", bind: realTest { $0.isNaN }),
  predicate("isinf", "True for positive and negative infinity.", "isinf(1.0 / 0.0)", bind: realTest { $0.isInfinite }),
  predicate("isfinite", "True for neither NaN nor infinite.", "isfinite(1.5)", bind: realTest { $0.isFinite }),
]
