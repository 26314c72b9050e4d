// Role: a column as JSON tokens, one per row, written by type into bytes: no scalars or strings in the row loops.

package import Columnar

/// How values that JSON can show in several ways are written.
package struct JSONTokenStyle: Sendable {
  /// What a null string is; nulls of other types are `null`.
  package var nullString: StaticString
  /// Decimals are strings, so that readers keep all digits.
  package var quotesDecimals: Bool

  /// For people and other tools: `null`, `1.50`.
  package static let plain = JSONTokenStyle(nullString: "null", quotesDecimals: false)
  /// Kusto's answers: strings are never null, decimals are strings.
  package static let kusto = JSONTokenStyle(nullString: "\"\"", quotesDecimals: true)
}

/// Columns as JSON.
package enum JSONTokens {
  /// One token per row; reals keep a point (`1.0`), so that readers see a real. NaN and the infinities, which JSON lacks, are strings.
  package static func tokens(_ vector: ColumnVector, _ style: JSONTokenStyle = .plain) -> StringBuilder {
    let out = StringBuilder(rows: vector.count, bytes: vector.count * 8)
    let nulls = vector.validity
    switch vector.storage {
    case .bool(let bits):
      for i in 0..<bits.count {
        if nulls.map({ $0[i] }) ?? true { word(bits[i] ? "true" : "false", out) } else { word("null", out) }
      }
    case .int(let values): unsafe values.withUnsafe { unsafe fixed($0, nulls, out) { unsafe ScalarText.write(long: Int64($0), to: $1) } }
    case .long(let values):
      unsafe values.withUnsafe { values in
        switch vector.type {
        case .datetime: unsafe fixed(values, nulls, out) { unsafe quoted($0, $1) { unsafe ScalarText.write(datetime: $0, to: $1) } }
        case .timespan: unsafe fixed(values, nulls, out) { unsafe quoted($0, $1) { unsafe ScalarText.write(timespan: $0, to: $1) } }
        default: unsafe fixed(values, nulls, out) { unsafe ScalarText.write(long: $0, to: $1) }
        }
      }
    case .real(let values): reals(values, nulls, out)
    case .decimal64(let values, let scale):
      unsafe values.withUnsafe { values in
        if style.quotesDecimals {
          unsafe fixed(values, nulls, out) { unsafe quoted($0, $1) { unsafe ScalarText.write(decimal64: $0, scale: scale, to: $1) } }
        } else {
          unsafe fixed(values, nulls, out) { unsafe ScalarText.write(decimal64: $0, scale: scale, to: $1) }
        }
      }
    case .decimal128(let values, let scales):
      unsafe values.withUnsafe { values in
        var row = 0
        unsafe fixed(values, nulls, out) { value, end in
          // Nulls are skipped by `fixed`: the row is the number of those ended.
          row = out.count
          let decimal = DecimalValue(value, scale: Int(scales[row]))
          if !style.quotesDecimals { return unsafe ScalarText.write(decimal: decimal, to: end) }
          return unsafe quoted(decimal, end) { unsafe ScalarText.write(decimal: $0, to: $1) }
        }
      }
    case .guid(let values):
      unsafe values.withUnsafe { unsafe fixed($0, nulls, out) { unsafe quoted($0, $1) { unsafe ScalarText.write(guid: $0, to: $1) } } }
    case .bytes(let offsets, let data):
      if vector.type == .string { strings(offsets, data, nulls, style.nullString, out) } else { dynamics(offsets, data, nulls, out) }
    case .dictionary(let codes, let values): gathered(codes, tokens(values, style), nulls, vector.type == .string ? style.nullString : "null", out)
    case .constant(let value):
      let token = tokens(value, style)
      let null: StaticString = vector.type == .string ? style.nullString : "null"
      for i in 0..<vector.count {
        if vector.isValid(i) { unsafe out.append(UnsafePointer(token.data.pointer), token.data.count) } else { word(null, out) }
      }
    }
    return out
  }

  private typealias Bytes = UnsafeMutablePointer<UInt8>

  // SAFETY: a static string's bytes live as long as the program.
  private static func word(_ text: StaticString, _ out: StringBuilder) {
    unsafe out.append(text.utf8Start, text.utf8CodeUnitCount)
  }

  // SAFETY: each value has `ScalarText.room + 2` bytes behind what `data` holds; `write` answers where it ended.
  @inline(__always)
  private static func fixed<T>(_ values: UnsafeBufferPointer<T>, _ validity: Bitmap?, _ out: StringBuilder, _ write: (T, Bytes) -> Bytes) {
    let data = out.data
    for i in 0..<values.count {
      if validity.map({ $0[i] }) ?? true {
        data.reserve(ScalarText.room + 2)
        let start = unsafe data.pointer + data.count
        unsafe data.count &+= write(values[i], start) - start
        out.endRow()
      } else {
        word("null", out)
      }
    }
  }

  // SAFETY: the texts of reals fit `ScalarText.room`, quotes not counted, which `fixed` reserves.
  private static func reals(_ values: Buffer<Double>, _ validity: Bitmap?, _ out: StringBuilder) {
    unsafe values.withUnsafe { values in
      unsafe fixed(values, validity, out) { value, end in
        if !value.isFinite { return unsafe quoted(value, end) { unsafe ScalarText.write(real: $0, to: $1) } }
        return unsafe ScalarText.write(realWithPoint: value, to: end)
      }
    }
  }

  /// A token between quotation marks; `body` writes the inside.
  // SAFETY: one byte more on either side of what `body` writes, for which `fixed` reserves two.
  @inline(__always)
  private static func quoted<T>(_ value: T, _ start: Bytes, _ body: (T, Bytes) -> Bytes) -> Bytes {
    unsafe start[0] = UInt8(ascii: "\"")
    let end = unsafe body(value, start + 1)
    unsafe end[0] = UInt8(ascii: "\"")
    return unsafe end + 1
  }

  // SAFETY: offsets ascend within `data`, one more than the rows; `withUnsafe` keeps the bytes alive.
  private static func strings(_ offsets: Buffer<Int32>, _ data: Buffer<UInt8>, _ validity: Bitmap?, _ null: StaticString, _ out: StringBuilder) {
    unsafe data.withUnsafe { bytes in
      guard let base = bytes.baseAddress else { return }
      for i in 0..<(offsets.count - 1) {
        guard validity.map({ $0[i] }) ?? true else {
          word(null, out)
          continue
        }
        let start = Int(offsets[i]), end = Int(offsets[i + 1])
        unsafe DynamicPrinter.string(UnsafeBufferPointer(start: base + start, count: end - start), out.data)
        out.endRow()
      }
    }
  }

  // SAFETY: as in `strings`.
  private static func dynamics(_ offsets: Buffer<Int32>, _ data: Buffer<UInt8>, _ validity: Bitmap?, _ out: StringBuilder) {
    unsafe data.withUnsafe { bytes in
      guard let base = bytes.baseAddress else { return }
      for i in 0..<(offsets.count - 1) {
        guard validity.map({ $0[i] }) ?? true else {
          word("null", out)
          continue
        }
        let start = Int(offsets[i]), end = Int(offsets[i + 1])
        unsafe DynamicPrinter.append(DynamicView(base + start, end - start), to: out.data)
        out.endRow()
      }
    }
  }

  // SAFETY: codes of rows that are not null are tokens, which live to the end; `out` is other memory.
  private static func gathered(_ codes: Buffer<Int32>, _ tokens: StringBuilder, _ validity: Bitmap?, _ null: StaticString, _ out: StringBuilder) {
    let offsets = unsafe tokens.offsets.pointer, bytes = unsafe tokens.data.pointer
    for i in 0..<codes.count {
      guard validity.map({ $0[i] }) ?? true else {
        word(null, out)
        continue
      }
      let code = Int(codes[i])
      unsafe out.append(UnsafePointer(bytes + Int(offsets[code])), Int(offsets[code + 1] - offsets[code]))
    }
    withExtendedLifetime(tokens) {}
  }
}
