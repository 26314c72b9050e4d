// The bloom filters of the terms of a text column, one for each block of rows of a row group.

import Columnar

enum TermFilterBuilder {
  /// Rows that share a filter.
  static let blockRows = 65_536
  /// A filter of random texts may not grow beyond this; what it cannot tell apart is left to the scan.
  private static let maxBytes = 512 << 10

  /// One filter per block of rows, in row order; nil where a filter would say yes to nearly everything.
  static func build(_ parts: [ColumnVector], rowCount: Int) -> [BloomFilter?] {
    var out: [BloomFilter?] = []
    var pending: [ColumnVector] = []
    var rows = 0
    for part in parts {
      var at = 0
      while at < part.count {
        let n = min(part.count - at, blockRows - rows)
        pending.append(n == part.count ? part : part.slice(at..<at + n))
        at += n
        rows += n
        if rows == blockRows {
          out.append(filter(pending))
          pending = []
          rows = 0
        }
      }
    }
    if rows > 0 { out.append(filter(pending)) }
    return out
  }

  private static func filter(_ parts: [ColumnVector]) -> BloomFilter? {
    var bytes = 0
    for part in parts { bytes += textBytes(part) }
    // Twelve bits for each term of average length, were all of them different; folded to what they take afterwards.
    var size = 4 << 10
    while size < maxBytes, size * 8 < bytes * 2 { size *= 2 }
    var filter = BloomFilter(byteCount: size)
    for part in parts { insert(part, into: &filter) }
    filter.fold(minByteCount: 32)
    return filter.fill > 0.8 ? nil : filter
  }

  private static func textBytes(_ part: ColumnVector) -> Int {
    switch part.storage {
    case .bytes(let offsets, _): Int(offsets[part.count] - offsets[0])
    case .dictionary(_, let values): textBytes(values)
    case .constant(let value): textBytes(value)
    default: 0
    }
  }

  private static func insert(_ part: ColumnVector, into filter: inout BloomFilter) {
    switch part.storage {
    case .bytes(let offsets, let data):
      // Slots of null rows are empty or hold some valid text: extra terms do no harm.
      insert(offsets, data, 0..<part.count, into: &filter)
    case .constant(let value): if !part.isAllNull { insert(value, into: &filter) }
    case .dictionary(let codes, let values):
      guard case .bytes(let offsets, let data) = values.storage else { return }
      var seen = [Bool](repeating: false, count: values.count)
      for i in 0..<part.count { seen[Int(codes[i])] = true }
      for i in 0..<values.count where seen[i] { insert(offsets, data, i..<i + 1, into: &filter) }
    default: break
    }
  }

  // SAFETY: offsets ascend within `data`, one more than the rows, and `rows` lies within them; both live through the closure.
  private static func insert(_ offsets: Buffer<Int32>, _ data: Buffer<UInt8>, _ rows: Range<Int>, into filter: inout BloomFilter) {
    withExtendedLifetime((offsets, data)) {
      let o = unsafe offsets.pointer, d = unsafe data.pointer
      filter.withInserter { inserter in
        for i in rows { unsafe TermHash.forEach(d + Int(o[i]), Int(o[i &+ 1] &- o[i])) { inserter.insert(hash: $0) } }
      }
    }
  }
}
