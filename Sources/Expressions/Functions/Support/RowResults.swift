// Role: collects what a row function gives into a column: fixed-size values, optional ones (nil is null), text and dynamic values.

import Columnar

/// A Swift value a kernel's row function may give.
protocol RowResult: SendableMetatype {
  /// Calls `body` for rows 0..<n and makes the column.
  static func collect(_ n: Int, _ body: (Int) throws -> Self) throws -> ColumnVector
}

/// A value with a fixed-size slot in a column.
protocol SlotResult: RowResult, BitwiseCopyable, Sendable {
  associatedtype Slot: BitwiseCopyable & Sendable
  static var empty: Self { get }
  static func column(_ buffer: Buffer<Self>, validity: Bitmap?) -> ColumnVector
}

extension SlotResult {
  @inline(__always) static func collect(_ n: Int, _ body: (Int) throws -> Self) throws -> ColumnVector {
    let builder = BufferBuilder<Self>(capacity: n)
    let out = unsafe builder.appendUninitialized(n)
    for i in 0..<n { unsafe out[i] = try body(i) }
    return column(builder.finish(), validity: nil)
  }

  @inline(__always) static func collectOptional(_ n: Int, _ body: (Int) throws -> Self?) rethrows -> ColumnVector {
    let builder = BufferBuilder<Self>(capacity: n)
    let out = unsafe builder.appendUninitialized(n)
    let words = WordBuilder(n)
    for i in 0..<n {
      if let value = try body(i) {
        unsafe out[i] = value
        words.set(i)
      } else {
        unsafe out[i] = empty
      }
    }
    return column(builder.finish(), validity: words.finish())
  }
}

extension Int64: SlotResult {
  typealias Slot = Int64
  static var empty: Int64 { 0 }
  static func column(_ buffer: Buffer<Int64>, validity: Bitmap?) -> ColumnVector { .long(buffer, validity: validity) }
}

extension Int32: SlotResult {
  typealias Slot = Int32
  static var empty: Int32 { 0 }
  static func column(_ buffer: Buffer<Int32>, validity: Bitmap?) -> ColumnVector { .int(buffer, validity: validity) }
}

extension Double: SlotResult {
  typealias Slot = Double
  static var empty: Double { 0 }
  static func column(_ buffer: Buffer<Double>, validity: Bitmap?) -> ColumnVector { .real(buffer, validity: validity) }
}

extension GUID: SlotResult {
  typealias Slot = GUID
  static var empty: GUID { GUID(high: 0, low: 0) }
  static func column(_ buffer: Buffer<GUID>, validity: Bitmap?) -> ColumnVector { .guid(buffer, validity: validity) }
}

extension DecimalValue: SlotResult {
  typealias Slot = DecimalValue
  static var empty: DecimalValue { DecimalValue(0) }
  static func column(_ buffer: Buffer<DecimalValue>, validity: Bitmap?) -> ColumnVector {
    let n = buffer.count
    let values = BufferBuilder<Int128>(capacity: n), scales = BufferBuilder<Int16>(capacity: n)
    let v = unsafe values.appendUninitialized(n), s = unsafe scales.appendUninitialized(n)
    for i in 0..<n {
      unsafe v[i] = buffer[i].coefficient
      unsafe s[i] = buffer[i].scale
    }
    return .computedDecimal(values.finish(), scales.finish(), validity: validity.flatMap { $0.isAllSet ? nil : $0 })
  }
}

extension Bool: RowResult {
  @inline(__always) static func collect(_ n: Int, _ body: (Int) throws -> Bool) throws -> ColumnVector {
    .bool(try bits(n, body))
  }
}

/// Zeroed words to set bits in. Unlike `Bitmap.build` it takes no closure, so that loops around it stay in one function.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct WordBuilder {
  private let builder: BufferBuilder<UInt64>
  let words: UnsafeMutablePointer<UInt64>
  private let count: Int

  @inline(__always) init(_ count: Int) {
    let n = Bitmap.wordCount(count)
    self.count = count
    builder = BufferBuilder<UInt64>(capacity: n)
    unsafe words = unsafe builder.appendUninitialized(n)
    unsafe words.update(repeating: 0, count: n)
  }

  @inline(__always) func set(_ i: Int) { unsafe words[i >> 6] |= 1 << UInt64(truncatingIfNeeded: i & 63) }

  /// The bitmap; the builder must not be used any more.
  @inline(__always) func finish() -> Bitmap { Bitmap(words: builder.finish(), count: count) }
}

/// Bit i is what `test` gives for row i.
@inline(__always) func bits(_ n: Int, _ test: (Int) throws -> Bool) rethrows -> Bitmap {
  let out = WordBuilder(n)
  var i = 0
  while i < n {
    var word: UInt64 = 0
    let end = min(64, n &- i)
    for k in 0..<end { word |= (try test(i &+ k) ? 1 : 0) << UInt64(truncatingIfNeeded: k) }
    unsafe out.words[i >> 6] = word
    i &+= 64
  }
  return out.finish()
}

extension Optional: RowResult where Wrapped: OptionalRowResult {
  @inline(__always) static func collect(_ n: Int, _ body: (Int) throws -> Wrapped?) throws -> ColumnVector {
    try Wrapped.collectNullable(n, body)
  }
}

/// A value whose optional form may be collected.
protocol OptionalRowResult: SendableMetatype {
  static func collectNullable(_ n: Int, _ body: (Int) throws -> Self?) rethrows -> ColumnVector
}

extension Int64: OptionalRowResult {
  @inline(__always) static func collectNullable(_ n: Int, _ body: (Int) throws -> Int64?) rethrows -> ColumnVector { try collectOptional(n, body) }
}
extension Int32: OptionalRowResult {
  @inline(__always) static func collectNullable(_ n: Int, _ body: (Int) throws -> Int32?) rethrows -> ColumnVector { try collectOptional(n, body) }
}
extension Double: OptionalRowResult {
  @inline(__always) static func collectNullable(_ n: Int, _ body: (Int) throws -> Double?) rethrows -> ColumnVector { try collectOptional(n, body) }
}
extension GUID: OptionalRowResult {
  @inline(__always) static func collectNullable(_ n: Int, _ body: (Int) throws -> GUID?) rethrows -> ColumnVector { try collectOptional(n, body) }
}
extension DecimalValue: OptionalRowResult {
  @inline(__always) static func collectNullable(_ n: Int, _ body: (Int) throws -> DecimalValue?) rethrows -> ColumnVector { try collectOptional(n, body) }
}

extension Bool: OptionalRowResult {
  @inline(__always) static func collectNullable(_ n: Int, _ body: (Int) throws -> Bool?) rethrows -> ColumnVector {
    let validity = BitmapBuilder(capacity: n)
    let bits = BitmapBuilder(capacity: n)
    for i in 0..<n {
      let value = try body(i)
      validity.append(value != nil)
      bits.append(value ?? false)
    }
    return .bool(bits.finish(), validity: validity.finishValidity())
  }
}

extension String: RowResult {
  static func collect(_ n: Int, _ body: (Int) throws -> String) throws -> ColumnVector {
    let builder = StringBuilder(rows: n)
    for i in 0..<n {
      builder.append(try body(i))
      try builder.checkSize()
    }
    return builder.finish()
  }
}

/// Dynamic results; `.null` gives a null row.
extension DynamicValue: RowResult {
  static func collect(_ n: Int, _ body: (Int) throws -> DynamicValue) throws -> ColumnVector {
    let builder = StringBuilder(rows: n)
    let validity = BitmapBuilder(capacity: n)
    for i in 0..<n {
      let value = try body(i)
      if case .null = value {
        validity.append(false)
        builder.appendEmpty()
      } else {
        validity.append(true)
        unsafe value.binary.withUnsafeBufferPointer { unsafe builder.append($0) }
        try builder.checkSize()
      }
    }
    return builder.finish(.dynamic, validity: validity.finishValidity())
  }
}

extension StringBuilder {
  /// Most bytes a text result of one batch may have; a single row may still add as much again before the 2 GiB a vector can hold are reached.
  static let maxBytes = 1 << 30

  /// Throws when a result has grown beyond what one batch may hold.
  @inline(__always) func checkSize() throws {
    if data.count > Self.maxBytes { throw ExpressionError.invalidArgument(function: "a text or dynamic result", message: "more than 1 GiB for one batch of rows") }
  }
}
