// Role: writes results of series functions in the binary form of dynamic values: arrays of numbers as one block, tuples of several outputs,
// property bags; and takes one output out of a tuple again.

import Columnar

/// One value that a series function gives.
enum SeriesOutput {
  case null
  case real(Double)
  case long(Int64)
  case reals([Double])
  case longs([Int64])
  case bag([(key: String, value: SeriesOutput)])

  func append(to out: BufferBuilder<UInt8>) {
    switch self {
    case .null: out.append(DynamicTag.null.rawValue)
    case .real(let value): appendElement(.real, value.bitPattern, out)
    case .long(let value): appendElement(.long, value, out)
    case .reals(let values): appendReals(values, to: out)
    case .longs(let values): appendLongs(values, to: out)
    case .bag(let entries):
      appendContainer(.bag, entries.count, out) { k in
        let key = Array(entries[k].key.utf8)
        // SAFETY: the four bytes were just made room for; the key's pointer is used within the closure only.
        unsafe UnsafeMutableRawPointer(out.appendUninitialized(4)).storeBytes(of: UInt32(truncatingIfNeeded: key.count), as: UInt32.self)
        unsafe key.withUnsafeBufferPointer { unsafe out.append(contentsOf: $0) }
        entries[k].value.append(to: out)
      }
    }
  }
}

/// Appends an array of reals; elements that `isMissing` names are null.
func appendReals(_ values: [Double], isMissing: [Bool]? = nil, to out: BufferBuilder<UInt8>) {
  if let isMissing {
    appendContainer(.array, values.count, out) { k in
      if isMissing[k] { out.append(DynamicTag.null.rawValue) } else { appendElement(.real, values[k].bitPattern, out) }
    }
  } else {
    appendBlock(.real, values.count, out) { values[$0].bitPattern }
  }
}

/// Appends an array of whole numbers; elements that `isMissing` names are null.
func appendLongs(_ values: [Int64], isMissing: [Bool]? = nil, to out: BufferBuilder<UInt8>) {
  if let isMissing {
    appendContainer(.array, values.count, out) { k in
      if isMissing[k] { out.append(DynamicTag.null.rawValue) } else { appendElement(.long, values[k], out) }
    }
  } else {
    appendBlock(.long, values.count, out) { UInt64(bitPattern: values[$0]) }
  }
}

/// Appends an array of flags; nil elements are null.
func appendFlags(_ values: [Bool?], to out: BufferBuilder<UInt8>) {
  appendContainer(.array, values.count, out) { k in
    out.append((values[k].map { $0 ? DynamicTag.true : .false } ?? .null).rawValue)
  }
}

private func appendElement<T: BitwiseCopyable>(_ tag: DynamicTag, _ payload: T, _ out: BufferBuilder<UInt8>) {
  // SAFETY: nine bytes are made room for and all of them written.
  let p = unsafe out.appendUninitialized(9)
  unsafe p[0] = tag.rawValue
  unsafe UnsafeMutableRawPointer(p + 1).storeBytes(of: payload, as: T.self)
}

/// An array whose elements all have the same 8-byte kind.
@inline(__always)
func appendBlock(_ tag: DynamicTag, _ n: Int, _ out: BufferBuilder<UInt8>, _ payload: (Int) -> UInt64) {
  // SAFETY: 5 bytes of header, 4 n of ends and 9 n of elements are made room for and all of them written.
  let p = unsafe out.appendUninitialized(5 + 13 * n)
  unsafe p[0] = DynamicTag.array.rawValue
  let raw = UnsafeMutableRawPointer(p)
  unsafe raw.storeBytes(of: UInt32(truncatingIfNeeded: n), toByteOffset: 1, as: UInt32.self)
  let first = 5 + 4 * n
  for i in 0..<n {
    unsafe raw.storeBytes(of: UInt32(truncatingIfNeeded: 9 * (i + 1)), toByteOffset: 5 + 4 * i, as: UInt32.self)
    unsafe p[first + 9 * i] = tag.rawValue
    unsafe raw.storeBytes(of: payload(i), toByteOffset: first + 9 * i + 1, as: UInt64.self)
  }
}

// MARK: - Functions with several outputs

/// A function that gives several columns: its value is an array of them, which the binder takes apart with `outputFunction`.
func tupleSpec(
  _ name: String, _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, example: String, outputs: [FunctionOutput],
  types: [DataType], _ make: @escaping @Sendable (_ arguments: [ColumnVector]) throws -> (_ row: Int, _ series: NumericSeries) throws -> [SeriesOutput]?
) -> FunctionSpec {
  seriesSpec(name, arity, parameters, summary, example: example, outputs: outputs, bind: BoundFunction.series(.dynamic, types, seriesKernel { arguments in
    let body = try make(arguments)
    return { i, series, out in
      guard let values = try body(i, series) else { return false }
      appendContainer(.array, values.count, out) { values[$0].append(to: out) }
      return true
    }
  }))
}

/// (tuple, place, type as text): one output of a function that gives several.
let outputFunctions: [FunctionSpec] = [
  FunctionSpec(FunctionName.output, .operator, 3...3, parameters: "tuple, place, type", "One output of a function with several.", example: "") { call in
    let place = Int(try call.constantInteger(1, "the place"))
    guard let type = DataType(rawValue: try call.constantText(2, "the type")) else { throw call.invalid("unknown type") }
    let parameters: [DataType] = [.dynamic, .long, .string]
    switch type {
    case .real: return BoundFunction(.real, parameters, nulls: .custom, kernel: rows(DynamicRows.self) { $0.element(place)?.number })
    case .long:
      return BoundFunction(.long, parameters, nulls: .custom, kernel: rows(DynamicRows.self) { tuple -> Int64? in
        guard let value = tuple.element(place), value.tag == .long else { return nil }
        return value.int64
      })
    default:
      return BoundFunction(.dynamic, parameters, nulls: .custom) { arguments, n in
        let tuples = DynamicRows(arguments[0])
        return try collectDynamic(n) { i, out in
          guard let value = tuples[i].element(place), value.tag != .null else { return false }
          // SAFETY: a view is a window of `count` bytes on a column that the kernel's caller keeps alive.
          unsafe out.append(contentsOf: UnsafeBufferPointer(start: value.base, count: value.count))
          return true
        }
      }
    }
  }
]
