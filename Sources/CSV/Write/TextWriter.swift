// Role: writes string fields, quoted where they must be: where they hold a separator, quote or line end, are empty, or read like a null.

#if canImport(Glibc)
import Glibc
#endif
import CSIMD
import Columnar

struct TextWriter: FieldWriter {
  private let column: ColumnVector
  private let offsets: Buffer<Int32>
  private let data: Buffer<UInt8>
  private let end: LineEnd
  private let options: CSVWriteOptions
  private let name: String
  let width: Int

  init(_ column: ColumnVector, _ offsets: Buffer<Int32>, _ data: Buffer<UInt8>, _ end: LineEnd, _ options: CSVWriteOptions, name: String) {
    self.column = column
    self.offsets = offsets
    self.data = data
    self.end = end
    self.options = options
    self.name = name
    var longest = 0
    let o = offsets.pointer
    for i in 0..<column.count { longest = max(longest, Int(o[i &+ 1] &- o[i])) }
    // Every byte may be a quote.
    width = max(2 * longest, options.null.count, options.empty?.count ?? 0) + 40
  }

  /// A string column with flat storage.
  init(_ column: ColumnVector, _ end: LineEnd, _ options: CSVWriteOptions, name: String) throws {
    guard case .bytes(let offsets, let data) = column.storage else { throw CSVWriteError(column: name, text: "a column that is not text") }
    self.init(column, offsets, data, end, options, name: name)
  }

  func write(_ first: Int, _ count: Int, _ cursors: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>) throws {
    let o = offsets.pointer, bytes = data.pointer
    let separator = options.separator, quote = options.quote ?? separator
    let isPlain = !options.quotesAll && !options.trimsLeading && !options.trimsTrailing && options.null.isEmpty && column.validity == nil
    for k in 0..<count {
      let i = first &+ k
      let p = bytes + Int(o[i]), n = Int(o[i &+ 1] &- o[i])
      if isPlain, n > 0, n <= 64 {
        // SAFETY: 64 bytes behind a buffer are readable; slots have 32 bytes of slack.
        let m = csimd_csv_masks(p, separator, quote, 0x0A, 0x0D)
        if (m.sep | m.quote | m.lf | m.cr) << UInt64(64 &- n) == 0 {
          let out = cursors[k]
          UnsafeMutableRawPointer(out).storeBytes(of: UnsafeRawPointer(p).loadUnaligned(as: SIMD32<UInt8>.self), as: SIMD32<UInt8>.self)
          if n > 32 {
            UnsafeMutableRawPointer(out + 32).storeBytes(
              of: UnsafeRawPointer(p + 32).loadUnaligned(as: SIMD32<UInt8>.self), as: SIMD32<UInt8>.self)
          }
          cursors[k] = end.write(out + n)
          continue
        }
      }
      cursors[k] = end.write(try field(i, p, n, cursors[k]))
    }
    withExtendedLifetime((offsets, data)) {}
  }

  private func field(_ i: Int, _ start: UnsafePointer<UInt8>, _ length: Int, _ out: UnsafeMutablePointer<UInt8>) throws -> UnsafeMutablePointer<UInt8> {
    guard column.isValid(i) else { return put(options.null, out) }
    var p = start, n = length
    if options.trimsLeading { while n > 0, p[0] == 0x20 || p[0] == 0x09 { p += 1; n -= 1 } }
    if options.trimsTrailing { while n > 0, p[n - 1] == 0x20 || p[n - 1] == 0x09 { n -= 1 } }
    if n == 0 {
      if let empty = options.empty { return put(empty, out) }
      guard let quote = options.quote else { return out }
      out[0] = quote
      out[1] = quote
      return out + 2
    }
    let looksNull = !options.null.isEmpty && n == options.null.count && options.null.withUnsafeBufferPointer { memcmp($0.baseAddress ?? p, p, n) == 0 }
    guard options.quotesAll || looksNull || needsQuotes(p, n) else {
      memcpy(out, p, n)
      return out + n
    }
    guard let quote = options.quote else {
      if options.quotesAll || looksNull {
        memcpy(out, p, n)
        return out + n
      }
      throw CSVWriteError(column: name, text: CSVError.quoted(UnsafeBufferPointer(start: p, count: n)))
    }
    let escape = options.escape
    var to = out
    to[0] = quote
    to += 1
    for k in 0..<n {
      let c = p[k]
      if c == quote || c == escape {
        to[0] = escape
        to += 1
      }
      to[0] = c
      to += 1
    }
    to[0] = quote
    return to + 1
  }

  private func needsQuotes(_ p: UnsafePointer<UInt8>, _ n: Int) -> Bool {
    for k in 0..<n {
      let c = p[k]
      if c == options.separator || c == 0x0A || c == 0x0D || options.lineEnd.contains(c) { return true }
      if let quote = options.quote, c == quote { return true }
    }
    return false
  }
}
