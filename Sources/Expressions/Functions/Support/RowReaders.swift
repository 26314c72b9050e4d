// Role: typed access to the rows of an argument vector inside a kernel, the same code for flat and constant vectors (and dictionaries of text).
// A reader is valid while the vector is: kernels receive their arguments as parameters, which keeps them alive for the call.

import Columnar

/// Reads row i of a vector as a Swift value.
protocol RowReader: SendableMetatype {
  associatedtype Value
  init(_ vector: ColumnVector)
  subscript(i: Int) -> Value { get }
}

extension ColumnVector {
  /// The storage kernels index, and the mask that maps a row to a slot: all ones for flat vectors, 0 for constants.
  @inline(__always) var slots: (storage: VectorStorage, mask: Int) {
    if case .constant(let value) = storage { return (value.storage, 0) }
    return (storage, -1)
  }

  /// True when row i is not null, for constants too.
  @inline(__always) func hasValue(_ i: Int) -> Bool { validity.map { $0[i] } ?? true }
}

/// long, datetime and timespan as Int64.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct LongRows: RowReader {
  let base: UnsafePointer<Int64>
  let mask: Int
  init(_ vector: ColumnVector) {
    let slots = vector.slots
    guard case .long(let buffer) = slots.storage else { preconditionFailure("a \(vector.type) argument where 64-bit integers were bound") }
    unsafe base = unsafe buffer.pointer
    mask = slots.mask
  }
  @inline(__always) subscript(i: Int) -> Int64 { unsafe base[i & mask] }
}

/// int as Int32.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct IntRows: RowReader {
  let base: UnsafePointer<Int32>
  let mask: Int
  init(_ vector: ColumnVector) {
    let slots = vector.slots
    guard case .int(let buffer) = slots.storage else { preconditionFailure("a \(vector.type) argument where int was bound") }
    unsafe base = unsafe buffer.pointer
    mask = slots.mask
  }
  @inline(__always) subscript(i: Int) -> Int32 { unsafe base[i & mask] }
}

// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct RealRows: RowReader {
  let base: UnsafePointer<Double>
  let mask: Int
  init(_ vector: ColumnVector) {
    let slots = vector.slots
    guard case .real(let buffer) = slots.storage else { preconditionFailure("a \(vector.type) argument where real was bound") }
    unsafe base = unsafe buffer.pointer
    mask = slots.mask
  }
  @inline(__always) subscript(i: Int) -> Double { unsafe base[i & mask] }
}

// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct BoolRows: RowReader {
  let base: UnsafePointer<UInt64>
  let mask: Int
  init(_ vector: ColumnVector) {
    let slots = vector.slots
    guard case .bool(let bits) = slots.storage else { preconditionFailure("a \(vector.type) argument where bool was bound") }
    unsafe base = unsafe bits.words.pointer
    mask = slots.mask
  }
  @inline(__always) subscript(i: Int) -> Bool {
    let k = i & mask
    return unsafe base[k >> 6] >> UInt64(k & 63) & 1 != 0
  }
}

// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct GUIDRows: RowReader {
  let base: UnsafePointer<GUID>
  let mask: Int
  init(_ vector: ColumnVector) {
    let slots = vector.slots
    guard case .guid(let buffer) = slots.storage else { preconditionFailure("a \(vector.type) argument where guid was bound") }
    unsafe base = unsafe buffer.pointer
    mask = slots.mask
  }
  @inline(__always) subscript(i: Int) -> GUID { unsafe base[i & mask] }
}

// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct DecimalRows: RowReader {
  let narrow: UnsafePointer<Int64>?
  let wide: UnsafePointer<Int128>?
  let scales: UnsafePointer<Int16>?
  let scale: Int
  let mask: Int
  init(_ vector: ColumnVector) {
    let slots = vector.slots
    mask = slots.mask
    switch slots.storage {
    case .decimal64(let buffer, let scale):
      unsafe (narrow, wide, scales) = unsafe (buffer.pointer, nil, nil)
      self.scale = scale
    case .decimal128(let buffer, let scales):
      unsafe (narrow, wide, self.scales) = unsafe (nil, buffer.pointer, scales.pointer)
      scale = 0
    default: preconditionFailure("a \(vector.type) argument where decimal was bound")
    }
  }
  @inline(__always) subscript(i: Int) -> DecimalValue {
    let k = i & mask
    if let narrow = unsafe narrow { return unsafe DecimalValue(Int128(narrow[k]), scale: scale) }
    guard let wide = unsafe wide, let scales = unsafe scales else { return DecimalValue(0) }
    return unsafe DecimalValue(wide[k], scale: Int(scales[k]))
  }
}

/// The bytes of strings; null rows read as ''.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct TextRows: @unsafe RowReader {
  let offsets: UnsafePointer<Int32>
  let data: UnsafePointer<UInt8>
  let codes: UnsafePointer<Int32>?
  let validity: UnsafePointer<UInt64>?
  let mask: Int
  init(_ vector: ColumnVector) {
    unsafe validity = unsafe vector.validity?.words.pointer
    let slots = vector.slots
    var storage = slots.storage
    mask = slots.mask
    if case .dictionary(let codes, let values) = storage {
      unsafe self.codes = unsafe codes.pointer
      storage = values.storage
    } else {
      unsafe codes = nil
    }
    guard case .bytes(let offsets, let data) = storage else { preconditionFailure("a \(vector.type) argument where text was bound") }
    unsafe self.offsets = unsafe offsets.pointer
    unsafe self.data = unsafe data.pointer
  }
  @inline(__always) subscript(i: Int) -> UnsafeBufferPointer<UInt8> {
    if let validity = unsafe validity, unsafe validity[i >> 6] >> UInt64(i & 63) & 1 == 0 { return unsafe UnsafeBufferPointer(start: data, count: 0) }
    let k = unsafe codes.map { unsafe Int($0[i]) } ?? i & mask
    let start = unsafe Int(offsets[k])
    return unsafe UnsafeBufferPointer(start: data + start, count: Int(offsets[k &+ 1]) &- start)
  }
}

/// Strings as Swift strings, for functions whose work dwarfs the conversion.
struct StringRows: RowReader {
  let text: TextRows
  init(_ vector: ColumnVector) { text = TextRows(vector) }
  @inline(__always) subscript(i: Int) -> String { unsafe String(decoding: text[i], as: UTF8.self) }
}

/// Dynamic values as windows on their binary form; null rows read as null.
struct DynamicRows: RowReader {
  let text: TextRows
  init(_ vector: ColumnVector) { text = TextRows(vector) }
  @inline(__always) subscript(i: Int) -> DynamicView {
    let bytes = unsafe text[i]
    return unsafe DynamicView(bytes.baseAddress ?? text.data, bytes.count)
  }
}

/// Values of any type as scalars, for functions that take anything and are not hot; null strings read as ''.
struct ScalarRows: RowReader {
  let vector: ColumnVector
  init(_ vector: ColumnVector) { self.vector = vector }
  subscript(i: Int) -> Scalar {
    let value = vector.scalar(i)
    if case .null(.string) = value { return .string("") }
    return value
  }
}
