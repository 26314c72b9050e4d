// Role: the rows of a batch as JSON arrays. Columns are turned into tokens by type; rows only copy bytes.

package import Columnar
import JSON

package enum RowText {
  /// Appends `[…],[…]`; a comma comes first unless these are the table's first rows.
  package static func append(_ batch: RecordBatch, to out: BufferBuilder<UInt8>, isFirst: Bool) {
    guard batch.rowCount > 0 else { return }
    let columns = batch.columns.map { JSONTokens.tokens($0, .kusto) }
    let width = columns.count
    // SAFETY: the builders live until the end of the call; each has rowCount + 1 offsets into its bytes. The room of a row is reserved before
    // its bytes are copied, and nothing else grows `out` meanwhile.
    unsafe withUnsafeTemporaryAllocation(of: (offsets: UnsafePointer<Int32>, bytes: UnsafePointer<UInt8>).self, capacity: max(1, width)) { sources in
      for c in 0..<width { unsafe sources[c] = (UnsafePointer(columns[c].offsets.pointer), UnsafePointer(columns[c].data.pointer)) }
      var total = 2
      for column in columns { total += column.data.count }
      out.reserve(total + batch.rowCount * (width + 4) + 16)
      var to = unsafe out.pointer + out.count
      for i in 0..<batch.rowCount {
        if i > 0 || !isFirst {
          unsafe to[0] = UInt8(ascii: ",")
          unsafe to += 1
        }
        unsafe to[0] = UInt8(ascii: "[")
        unsafe to += 1
        for c in 0..<width {
          let start = unsafe Int(sources[c].offsets[i]), count = unsafe Int(sources[c].offsets[i + 1]) - start
          let from = unsafe sources[c].bytes + start
          // Tokens are short: most fit in one or two words. Sources and `out` have readable, writable bytes past their ends.
          if count <= 16 {
            unsafe UnsafeMutableRawPointer(to).storeBytes(of: UnsafeRawPointer(from).loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
          } else {
            unsafe to.update(from: from, count: count)
          }
          unsafe to += count
          unsafe to[0] = UInt8(ascii: ",")
          unsafe to += 1
        }
        if width > 0 { unsafe to -= 1 }
        unsafe to[0] = UInt8(ascii: "]")
        unsafe to += 1
      }
      unsafe out.count = to - out.pointer
    }
    withExtendedLifetime(columns) {}
  }
}
