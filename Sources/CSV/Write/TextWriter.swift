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
    let o = unsafe offsets.pointer
    for i in 0..<column.count { longest = unsafe max(longest, Int(o[i &+ 1] &- o[i])) }
    // Every byte may be a quote.
    width = max(2 * longest, options.null.count, options.empty?.count ?? 0) + 40
  }

  /// A string column with flat storage.
  init(_ column: ColumnVector, _ end: LineEnd, _ options: CSVWriteOptions, name: String) throws {
    guard case .bytes(let offsets, let data) = column.storage else { throw CSVWriteError(column: name, text: "a column that is not text") }
    self.init(column, offsets, data, end, options, name: name)
  }

  func write(_ first: Int, _ count: Int, _ cursors: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>) throws {
    let o = unsafe offsets.pointer, bytes = unsafe data.pointer
    let separator = options.separator, quote = options.quote ?? separator
    let isPlain = !options.quotesAll && !options.trimsLeading && !options.trimsTrailing && options.null.isEmpty && column.validity == nil
    for k in 0..<count {
      let i = first &+ k
      let p = unsafe bytes + Int(o[i]), n = unsafe Int(o[i &+ 1] &- o[i])
      if isPlain, n > 0, n <= 64 {
        // SAFETY: 64 bytes behind a buffer are readable; slots have 32 bytes of slack.
        let m = unsafe csimd_csv_masks(p, separator, quote, 0x0A, 0x0D)
        if (m.sep | m.quote | m.lf | m.cr) << UInt64(64 &- n) == 0 {
          let out = unsafe cursors[k]
          unsafe UnsafeMutableRawPointer(out).storeBytes(of: UnsafeRawPointer(p).loadUnaligned(as: SIMD32<UInt8>.self), as: SIMD32<UInt8>.self)
          if n > 32 {
            unsafe UnsafeMutableRawPointer(out + 32).storeBytes(
              of: UnsafeRawPointer(p + 32).loadUnaligned(as: SIMD32<UInt8>.self), as: SIMD32<UInt8>.self)
          }
          unsafe cursors[k] = unsafe end.write(out + n)
          continue
        }
      }
      unsafe cursors[k] = unsafe end.write(try field(i, p, n, cursors[k]))
    }
    withExtendedLifetime((offsets, data)) {}
  }

  private func field(_ i: Int, _ start: UnsafePointer<UInt8>, _ length: Int, _ out: UnsafeMutablePointer<UInt8>) throws -> UnsafeMutablePointer<UInt8> {
    guard column.isValid(i) else { return unsafe put(options.null, out) }
    var p = unsafe start, n = length
    if options.trimsLeading { while n > 0, unsafe p[0] == 0x20 || p[0] == 0x09 { unsafe p += 1; n -= 1 } }
    if options.trimsTrailing { while n > 0, unsafe p[n - 1] == 0x20 || p[n - 1] == 0x09 { n -= 1 } }
    if n == 0 {
      if let empty = options.empty { return unsafe put(empty, out) }
      guard let quote = options.quote else { return unsafe out }
      unsafe out[0] = quote
      unsafe out[1] = quote
      return unsafe out + 2
    }
    let looksNull = unsafe !options.null.isEmpty && n == options.null.count && options.null.withUnsafeBufferPointer { unsafe memcmp($0.baseAddress ?? p, p, n) == 0 }
    guard unsafe options.quotesAll || looksNull || needsQuotes(p, n) else {
      unsafe memcpy(out, p, n)
      return unsafe out + n
    }
    guard let quote = options.quote else {
      if options.quotesAll || looksNull {
        unsafe memcpy(out, p, n)
        return unsafe out + n
      }
      throw unsafe CSVWriteError(column: name, text: CSVError.quoted(UnsafeBufferPointer(start: p, count: n)))
    }
    let escape = options.escape
    var to = unsafe out
    unsafe to[0] = quote
    unsafe to += 1
    for k in 0..<n {
      let c = unsafe p[k]
      if c == quote || c == escape {
        unsafe to[0] = escape
        unsafe to += 1
      }
      unsafe to[0] = c
      unsafe to += 1
    }
    unsafe to[0] = quote
    return unsafe to + 1
  }

  private func needsQuotes(_ p: UnsafePointer<UInt8>, _ n: Int) -> Bool {
    for k in 0..<n {
      let c = unsafe p[k]
      if c == options.separator || c == 0x0A || c == 0x0D || options.lineEnd.contains(c) { return true }
      if let quote = options.quote, c == quote { return true }
    }
    return false
  }
}
