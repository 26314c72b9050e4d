// Role: kernels over series: the loop over rows that reads each array and collects what a function makes of it, and the declaration of specs.

import Columnar

/// Appends the result of a row in binary form; false for a null result, with nothing appended.
typealias SeriesBody = (_ row: Int, _ series: NumericSeries, _ out: BufferBuilder<UInt8>) throws -> Bool

/// A function from series to a dynamic value. `make` is called once for each batch with all arguments, the series being the first.
func seriesKernel(_ make: @escaping @Sendable (_ arguments: [ColumnVector]) throws -> SeriesBody) -> Kernel {
  { arguments, n in
    let body = try make(arguments)
    let rows = DynamicRows(arguments[0])
    var series = NumericSeries()
    return try collectDynamic(n) { i, out in
      guard series.read(rows[i]) else { return false }
      return try body(i, series, out)
    }
  }
}

/// A function from series to a number.
func figureKernel(_ make: @escaping @Sendable (_ arguments: [ColumnVector]) throws -> (_ row: Int, _ series: NumericSeries) throws -> Double?) -> Kernel {
  { arguments, n in
    let body = try make(arguments)
    let rows = DynamicRows(arguments[0])
    var series = NumericSeries()
    return try Double?.collect(n) { i in series.read(rows[i]) ? try body(i, series) : nil }
  }
}

/// A dynamic column whose rows `body` appends; false makes the row null.
func collectDynamic(_ n: Int, _ body: (_ row: Int, _ out: BufferBuilder<UInt8>) throws -> Bool) throws -> ColumnVector {
  let builder = StringBuilder(rows: n)
  let validity = BitmapBuilder(capacity: n)
  for i in 0..<n {
    validity.append(try body(i, builder.data))
    try builder.checkSize()
    builder.endRow()
  }
  return builder.finish(.dynamic, validity: validity.finishValidity())
}

/// A declaration in the chapter of series functions.
func seriesSpec(
  _ name: String, _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, example: String, outputs: [FunctionOutput] = [],
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction
) -> FunctionSpec {
  FunctionSpec(name, .series, arity, parameters: parameters, summary, example: example, outputs: outputs, bind: bind)
}

extension BoundFunction {
  /// A function of series whose kernel looks at nulls itself; arguments are converted to fixed types.
  static func series(_ type: DataType, _ parameters: [DataType], _ kernel: @escaping Kernel) -> @Sendable (FunctionCall) throws -> BoundFunction {
    fixed(type, parameters, nulls: .custom, kernel)
  }
}

/// Optional arguments of a kernel by row; null or left out is nil.
struct OptionalReal {
  private let vector: ColumnVector?
  private let rows: RealRows?
  init(_ arguments: [ColumnVector], _ i: Int) {
    vector = i < arguments.count ? arguments[i] : nil
    rows = vector.map { RealRows($0) }
  }
  subscript(i: Int) -> Double? { vector?.hasValue(i) == true ? rows?[i] : nil }
}

/// An optional whole number by row.
struct OptionalLong {
  private let vector: ColumnVector?
  private let rows: LongRows?
  init(_ arguments: [ColumnVector], _ i: Int) {
    vector = i < arguments.count ? arguments[i] : nil
    rows = vector.map { LongRows($0) }
  }
  subscript(i: Int) -> Int64? { vector?.hasValue(i) == true ? rows?[i] : nil }
}

/// An optional flag by row.
struct OptionalBool {
  private let vector: ColumnVector?
  private let rows: BoolRows?
  init(_ arguments: [ColumnVector], _ i: Int) {
    vector = i < arguments.count ? arguments[i] : nil
    rows = vector.map { BoolRows($0) }
  }
  subscript(i: Int) -> Bool? { vector?.hasValue(i) == true ? rows?[i] : nil }
}

/// An optional text by row; '' counts as left out.
struct OptionalText {
  private let vector: ColumnVector?
  private let rows: StringRows?
  init(_ arguments: [ColumnVector], _ i: Int) {
    vector = i < arguments.count ? arguments[i] : nil
    rows = vector.map { StringRows($0) }
  }
  subscript(i: Int) -> String? {
    guard let text = rows?[i], text != "" else { return nil }
    return text
  }
}
