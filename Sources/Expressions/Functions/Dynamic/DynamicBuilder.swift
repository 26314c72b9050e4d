// Role: writes binary dynamic values straight from argument columns, without trees: for bag_pack and pack_array.

package import Columnar

/// A column as binary dynamic values, appended row by row.
package struct DynamicSource {
  private enum Kind { case long(LongRows, DynamicTag), int(IntRows), real(RealRows), bool(BoolRows), text(TextRows), dynamic(TextRows), other }

  private let vector: ColumnVector
  private let kind: Kind

  package init(_ vector: ColumnVector) {
    self.vector = vector
    kind = switch vector.type {
    case .long: .long(LongRows(vector), .long)
    case .datetime: .long(LongRows(vector), .datetime)
    case .timespan: .long(LongRows(vector), .timespan)
    case .int: .int(IntRows(vector))
    case .real: .real(RealRows(vector))
    case .bool: .bool(BoolRows(vector))
    case .string: .text(TextRows(vector))
    case .dynamic: .dynamic(TextRows(vector))
    case .decimal, .guid: .other
    }
  }

  /// Appends row i; nulls become the null value.
  // SAFETY: row i is a window on the vector's memory, which this source keeps alive; it is copied, as is a scalar's binary form during the call.
  package func append(_ i: Int, to out: BufferBuilder<UInt8>) {
    if case .text(let rows) = kind { return unsafe appendDynamicString(rows[i], out) }
    guard vector.hasValue(i) else { return out.append(DynamicTag.null.rawValue) }
    switch kind {
    case .long(let rows, let tag): put(tag, rows[i], out)
    case .int(let rows): put(.long, Int64(rows[i]), out)
    case .real(let rows): put(.real, rows[i].bitPattern, out)
    case .bool(let rows): out.append((rows[i] ? DynamicTag.true : .false).rawValue)
    case .text: break
    case .dynamic(let rows):
      let bytes = unsafe rows[i]
      if bytes.count == 0 { out.append(DynamicTag.null.rawValue) } else { unsafe out.append(contentsOf: bytes) }
    case .other: unsafe DynamicValue(vector.scalar(i)).binary.withUnsafeBufferPointer { unsafe out.append(contentsOf: $0) }
    }
  }

  // SAFETY: 1 + size fresh bytes are written whole; storing raw bytes needs no alignment.
  @inline(__always) private func put<T: BitwiseCopyable>(_ tag: DynamicTag, _ payload: T, _ out: BufferBuilder<UInt8>) {
    let p = unsafe out.appendUninitialized(1 + MemoryLayout<T>.size)
    unsafe p[0] = tag.rawValue
    unsafe UnsafeMutableRawPointer(p + 1).storeBytes(of: payload, as: T.self)
  }
}

/// Appends a dynamic string.
// SAFETY: five fresh bytes are written whole, then the caller's text, alive for the call, is copied.
func appendDynamicString(_ text: UnsafeBufferPointer<UInt8>, _ out: BufferBuilder<UInt8>) {
  let p = unsafe out.appendUninitialized(5)
  unsafe p[0] = DynamicTag.string.rawValue
  unsafe UnsafeMutableRawPointer(p + 1).storeBytes(of: UInt32(truncatingIfNeeded: text.count), as: UInt32.self)
  unsafe out.append(contentsOf: text)
}

/// Appends an array or bag of a known number of children; `child` appends the k-th.
// SAFETY: the header has 5 + 4 n fresh bytes, its table of ends being filled child by child; children may move the builder, so its address is taken
// anew for each end.
package func appendContainer(_ tag: DynamicTag, _ n: Int, _ out: BufferBuilder<UInt8>, _ child: (Int) -> Void) {
  let header = unsafe out.appendUninitialized(5 + 4 * n)
  unsafe header[0] = tag.rawValue
  unsafe UnsafeMutableRawPointer(header + 1).storeBytes(of: UInt32(truncatingIfNeeded: n), as: UInt32.self)
  let first = out.count
  for k in 0..<n {
    child(k)
    unsafe UnsafeMutableRawPointer(out.pointer + (first - 4 * n + 4 * k)).storeBytes(of: UInt32(truncatingIfNeeded: out.count - first), as: UInt32.self)
  }
}
