// Role: short texts with what ends them in sixteen bytes each, so that a field is one load, one store and one addition.

import Columnar

/// Fields of at most 15 bytes, their ends included, by code. Immutable once made.
@safe final class ShortFields: @unchecked Sendable {
  private let slots: UnsafeMutablePointer<SIMD16<UInt8>>
  let count: Int
  /// The field of a null.
  let null: SIMD16<UInt8>
  private static let maxBytes = 15

  /// The texts of a table, each with `end` behind it; nil when one is too long.
  init?(_ table: FieldTable, _ end: LineEnd) {
    guard table.longest + end.count <= Self.maxBytes, table.null.count + end.count <= Self.maxBytes else { return nil }
    count = table.count
    // SAFETY: one slot at least, so that there is an address; all are initialized below and freed with the object.
    unsafe slots = .allocate(capacity: max(1, table.count))
    null = Self.slot(table.null, end)
    for i in 0..<table.count { unsafe (slots + i).initialize(to: Self.slot(table.text(i), end)) }
  }

  deinit { unsafe slots.deallocate() }

  private static func slot(_ text: [UInt8], _ end: LineEnd) -> SIMD16<UInt8> {
    var slot = SIMD16<UInt8>()
    for (i, byte) in text.enumerated() { slot[i] = byte }
    for i in 0..<end.count { slot[text.count + i] = UInt8(truncatingIfNeeded: end.bytes >> (8 * UInt16(i))) }
    slot[15] = UInt8(text.count + end.count)
    return slot
  }

  @inline(__always) subscript(_ code: Int) -> SIMD16<UInt8> { unsafe slots[code] }
}

/// Writes codes as short fields.
struct ShortFieldWriter: FieldWriter {
  let fields: ShortFields
  let codes: Buffer<Int32>
  let validity: Bitmap?

  /// Sixteen bytes are stored whatever the length.
  var width: Int { 32 }

  func write(_ first: Int, _ count: Int, _ cursors: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>) {
    let codes = unsafe codes.pointer + first
    if let validity {
      for k in 0..<count { unsafe put(validity[first &+ k] ? fields[Int(codes[k])] : fields.null, cursors + k) }
    } else {
      for k in 0..<count { unsafe put(fields[Int(codes[k])], cursors + k) }
    }
    withExtendedLifetime(self) {}
  }

  @inline(__always) private func put(_ slot: SIMD16<UInt8>, _ cursor: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>) {
    // SAFETY: a row's place has `width` bytes for this field.
    unsafe UnsafeMutableRawPointer(cursor.pointee).storeBytes(of: slot, as: SIMD16<UInt8>.self)
    unsafe cursor.pointee += Int(slot[15])
  }
}
