// Role: estimate_data_size: bytes of a row's values. Source: Kusto "estimate_data_size()": a long is 8 bytes, text its length.

import Columnar

extension DataType {
  /// Bytes of a value whose size does not depend on it; nil for text and dynamic.
  fileprivate var fixedSize: Int64? {
    switch self {
    case .bool: 1
    case .int: 4
    case .long, .real, .datetime, .timespan: 8
    case .decimal, .guid: 16
    case .string, .dynamic: nil
    }
  }
}

let sizeFunctions: [FunctionSpec] = [
  // SAFETY: only the counts of rows below n are taken; the arguments live for the call.
  FunctionSpec("estimate_data_size", .other, 1...FunctionSpec.unbounded, parameters: "column, …", "About how many bytes the values take.", example: "estimate_data_size('text', 1)") { call in
    let fixed = call.types.reduce(0) { $0 + ($1.fixedSize ?? 0) }
    return BoundFunction(.long, call.types, nulls: .custom) { arguments, n in
      let texts = arguments.filter { $0.type.isVariableWidth }.map { TextRows($0) }
      return try Int64.collect(n) { i in texts.reduce(fixed) { unsafe $0 + Int64($1[i].count) } }
    }
  },
]
