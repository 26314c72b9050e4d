// Vectors → dense physical values: nulls taken out, units converted, several batches put behind each other. Inexact values are found here.

import Columnar

/// The non-null values of a column chunk in the physical type they are stored as.
enum PhysicalValues {
  case bits(Bitmap)
  case int32(Buffer<Int32>)
  case int64(Buffer<Int64>)
  case double(Buffer<Double>)
  /// 16 bytes each, big-endian two's complement.
  case fixed16(Buffer<Int128>)
  case bytes(offsets: Buffer<Int32>, data: Buffer<UInt8>)
  /// Texts that came dictionary-encoded: codes into distinct texts.
  case coded(codes: Buffer<Int32>, offsets: Buffer<Int32>, data: Buffer<UInt8>)

  var count: Int {
    switch self {
    case .bits(let b): b.count
    case .int32(let b): b.count
    case .int64(let b): b.count
    case .double(let b): b.count
    case .fixed16(let b): b.count
    case .bytes(let offsets, _): offsets.count - 1
    case .coded(let codes, _, _): codes.count
    }
  }

  /// Takes the parts of a column in row order. Throws `inexact` naming the value under the policy `fail`.
  init(_ parts: [ColumnVector], column: WriterColumn, inexact: ParquetWriterOptions.InexactPolicy) throws(ParquetError) {
    var dense = parts.filter { $0.count > 0 }.map { part in part.validity.map { part.filter($0) } ?? part }
    dense = dense.filter { $0.count > 0 }.map { $0.validity == nil ? $0 : $0.withValidity(nil) }
    switch column.conversion {
    case .bool:
      guard case .bool(let bits) = Self.flat(dense, .bool).storage else { throw Self.mismatch(column) }
      self = .bits(bits)
    case .int:
      guard case .int(let values) = Self.flat(dense, .int).storage else { throw Self.mismatch(column) }
      self = .int32(values)
    case .long:
      guard case .long(let values) = Self.flat(dense, dense.first?.type ?? .long).storage else { throw Self.mismatch(column) }
      self = .int64(values)
    case .real:
      guard case .real(let values) = Self.flat(dense, .real).storage else { throw Self.mismatch(column) }
      self = .double(values)
    case .date, .timestamp:
      guard case .long(let ticks) = Self.flat(dense, .datetime).storage else { throw Self.mismatch(column) }
      self = try Self.datetimes(ticks, column: column, inexact: inexact)
    case .decimal64(let scale, let precision):
      self = .int64(try DecimalRescaler.narrow(dense, scale: scale, precision: precision, column: column.name, inexact: inexact))
    case .decimal128(let scale, let precision):
      self = .fixed16(try DecimalRescaler.wide(dense, scale: scale, precision: precision, column: column.name, inexact: inexact))
    case .text: self = try Self.texts(dense, column)
    case .guidText: self = try Self.texts(dense.map { ColumnText.guids($0.flattened) }, column)
    case .dynamicText: self = try Self.texts(dense.map { ColumnText.dynamics($0) }, column)
    }
  }

  private static func flat(_ parts: [ColumnVector], _ type: DataType) -> ColumnVector { ColumnVector.concat(parts, type: type).flattened }

  private static func mismatch(_ column: WriterColumn) -> ParquetError {
    ParquetError(.invalidRequest, "a batch has another type than the schema", column: column.name)
  }

  private static func texts(_ parts: [ColumnVector], _ column: WriterColumn) throws(ParquetError) -> PhysicalValues {
    if !parts.isEmpty, parts.allSatisfy({ $0.isDictionary || $0.isConstant }) { return DictionaryMerger.merge(parts.map(coded)) }
    guard parts.reduce(0, { $0 + $1.textByteCount }) <= Int(Int32.max) else {
      throw ParquetError(.invalidRequest, "more than 2 GiB of text in one row group; make row groups shorter (rowGroupRows)", column: column.name)
    }
    guard case .bytes(let offsets, let data) = flat(parts, .string).storage else { return .bytes(offsets: Buffer([0]), data: .empty) }
    return .bytes(offsets: offsets, data: data)
  }

  /// A constant as a dictionary of one value.
  private static func coded(_ part: ColumnVector) -> ColumnVector {
    guard case .constant(let value) = part.storage else { return part }
    return .dictionary(codes: Buffer([Int32](repeating: 0, count: part.count)), values: value.flattened)
  }

  // SAFETY: `out` and `p` have `n` elements; every one of `out` is filled, or the builder is dropped. The caller holds `ticks`.
  private static func datetimes(
    _ ticks: Buffer<Int64>, column: WriterColumn, inexact: ParquetWriterOptions.InexactPolicy
  ) throws(ParquetError) -> PhysicalValues {
    let n = ticks.count
    if case .date = column.conversion {
      let perDay: Int64 = 864_000_000_000
      let builder = BufferBuilder<Int32>(capacity: n)
      let out = unsafe builder.appendUninitialized(n)
      var lost: Int64 = 0
      let p = unsafe ticks.pointer
      for i in 0..<n {
        let days = unsafe floorDivide(p[i], perDay)
        unsafe out[i] = Int32(truncatingIfNeeded: days)
        unsafe lost |= p[i] &- days &* perDay
      }
      if lost != 0, inexact == .fail { throw inexactTime(ticks, perDay, "a date", column) }
      return .int32(builder.finish())
    }
    guard case .timestamp(let ticksPerUnit) = column.conversion else { return .int64(ticks) }
    let builder = BufferBuilder<Int64>(capacity: n)
    let out = unsafe builder.appendUninitialized(n)
    let p = unsafe ticks.pointer
    if ticksPerUnit == 0 {
      for i in 0..<n {
        let (nanos, overflow) = unsafe p[i].multipliedReportingOverflow(by: 100)
        if overflow {
          throw ParquetError(
            .inexact, unsafe "tick \(p[i]) lies outside the years 1677 to 2262 that nanoseconds can express", column: column.name, hint: "use timestampUnit=micros")
        }
        unsafe out[i] = nanos
      }
      return .int64(builder.finish())
    }
    var lost: Int64 = 0
    if ticksPerUnit == 10 {
      for i in 0..<n {
        let units = unsafe floorDivide(p[i], 10)
        unsafe out[i] = units
        unsafe lost |= p[i] &- units &* 10
      }
    } else {
      for i in 0..<n {
        let units = unsafe floorDivide(p[i], ticksPerUnit)
        unsafe out[i] = units
        unsafe lost |= p[i] &- units &* ticksPerUnit
      }
    }
    if lost != 0, inexact == .fail { throw inexactTime(ticks, ticksPerUnit, ticksPerUnit == 10 ? "microseconds" : "milliseconds", column) }
    return .int64(builder.finish())
  }

  private static func inexactTime(_ ticks: Buffer<Int64>, _ unit: Int64, _ name: String, _ column: WriterColumn) -> ParquetError {
    let value = ticks.array.first { $0 % unit != 0 } ?? 0
    if case .date = column.conversion {
      return ParquetError(
        .inexact, "the datetime \(ScalarText.text(.datetime(value)) ?? "?") has a time of day in a column inferred as dates", column: column.name,
        hint: "read the source with preferDate=false, or drop the times with onInexact=truncate")
    }
    return ParquetError(
      .inexact, "the datetime \(ScalarText.text(.datetime(value)) ?? "?") does not fit \(name) exactly", column: column.name,
      hint: "timestampUnit=nanos keeps such values, onInexact=truncate cuts them")
  }
}

/// Division that rounds towards minus infinity, for positive divisors.
@inline(__always) func floorDivide(_ a: Int64, _ b: Int64) -> Int64 {
  let q = a / b
  return a % b < 0 ? q &- 1 : q
}
