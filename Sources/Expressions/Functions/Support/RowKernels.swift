// Role: makes kernels of row functions over one to four arguments. The closure is called once per row on typed values, without boxing.

import Columnar

@inline(__always)
func rows<A: RowReader, R: RowResult>(_: A.Type, _ f: @escaping @Sendable (A.Value) throws -> R) -> Kernel {
  { arguments, n in
    let a = A(arguments[0])
    return try R.collect(n) { try f(a[$0]) }
  }
}

@inline(__always)
func rows<A: RowReader, B: RowReader, R: RowResult>(_: A.Type, _: B.Type, _ f: @escaping @Sendable (A.Value, B.Value) throws -> R) -> Kernel {
  { arguments, n in
    let a = A(arguments[0]), b = B(arguments[1])
    return try R.collect(n) { try f(a[$0], b[$0]) }
  }
}

@inline(__always)
func rows<A: RowReader, B: RowReader, C: RowReader, R: RowResult>(
  _: A.Type, _: B.Type, _: C.Type, _ f: @escaping @Sendable (A.Value, B.Value, C.Value) throws -> R
) -> Kernel {
  { arguments, n in
    let a = A(arguments[0]), b = B(arguments[1]), c = C(arguments[2])
    return try R.collect(n) { try f(a[$0], b[$0], c[$0]) }
  }
}

@inline(__always)
func rows<A: RowReader, B: RowReader, C: RowReader, D: RowReader, R: RowResult>(
  _: A.Type, _: B.Type, _: C.Type, _: D.Type, _ f: @escaping @Sendable (A.Value, B.Value, C.Value, D.Value) throws -> R
) -> Kernel {
  { arguments, n in
    let a = A(arguments[0]), b = B(arguments[1]), c = C(arguments[2]), d = D(arguments[3])
    return try R.collect(n) { try f(a[$0], b[$0], c[$0], d[$0]) }
  }
}

/// Bytes that a text result made of these arguments may need: as much as the texts among them, within bounds.
func textEstimate(_ arguments: [ColumnVector], _ n: Int) -> Int {
  var bytes = 0
  for argument in arguments where argument.type == .string && !argument.isDictionary { bytes += argument.isConstant ? n : argument.byteSize }
  return min(bytes, 1 << 24)
}

/// Text results: the closure appends the row's bytes to the builder's data.
@inline(__always)
func textRows<A: RowReader>(_: A.Type, _ f: @escaping @Sendable (A.Value, BufferBuilder<UInt8>) throws -> Void) -> Kernel {
  { arguments, n in
    let a = A(arguments[0])
    let out = StringBuilder(rows: n, bytes: textEstimate(arguments, n))
    for i in 0..<n {
      try f(a[i], out.data)
      try out.checkSize()
      out.endRow()
    }
    return out.finish()
  }
}

@inline(__always)
func textRows<A: RowReader, B: RowReader>(
  _: A.Type, _: B.Type, _ f: @escaping @Sendable (A.Value, B.Value, BufferBuilder<UInt8>) throws -> Void
) -> Kernel {
  { arguments, n in
    let a = A(arguments[0]), b = B(arguments[1])
    let out = StringBuilder(rows: n, bytes: textEstimate(arguments, n))
    for i in 0..<n {
      try f(a[i], b[i], out.data)
      try out.checkSize()
      out.endRow()
    }
    return out.finish()
  }
}

@inline(__always)
func textRows<A: RowReader, B: RowReader, C: RowReader>(
  _: A.Type, _: B.Type, _: C.Type, _ f: @escaping @Sendable (A.Value, B.Value, C.Value, BufferBuilder<UInt8>) throws -> Void
) -> Kernel {
  { arguments, n in
    let a = A(arguments[0]), b = B(arguments[1]), c = C(arguments[2])
    let out = StringBuilder(rows: n, bytes: textEstimate(arguments, n))
    for i in 0..<n {
      try f(a[i], b[i], c[i], out.data)
      try out.checkSize()
      out.endRow()
    }
    return out.finish()
  }
}

/// Any number of arguments as scalars: for functions that take anything. Kernels of this form look at nulls themselves.
@inline(__always)
func scalarRows<R: RowResult>(_ f: @escaping @Sendable ([Scalar]) throws -> R) -> Kernel {
  { arguments, n in
    let readers = arguments.map { ScalarRows($0) }
    return try R.collect(n) { i in try f(readers.map { $0[i] }) }
  }
}
