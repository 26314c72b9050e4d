// Byte arrays: strings and everything stored as bytes of any length. Dictionary-encoded pages come out as dictionary vectors.
import Columnar

/// Reads byte arrays; `form` turns finished bytes (a batch, or a dictionary once) into the column's type.
final class ByteArrayValueReader: ValueReader {
  private enum Page {
    case none
    case plain(PlainByteArrayDecoder)
    case deltaLength(DeltaLengthDecoder)
    case deltaBytes(DeltaByteArrayDecoder)
    case split(FixedDecoder)
    case codes(HybridDecoder)
  }

  private let form: ByteArrayForm
  private let fixedLength: Int?
  private var page = Page.none
  /// The dictionary as stored, and in the column's type (null when the form cannot be a dictionary of values).
  private var rawDictionary: ColumnVector?
  private var dictionary: ColumnVector?
  /// Codes of the current batch while all its pages are dictionary-encoded.
  private let codes = BufferBuilder<Int32>()
  private var isCoded = false
  private var text = StringBuilder()
  private var rows = 0
  private let scratch = ScratchBuffer()

  /// `fixedLength`: bytes per value of FIXED_LEN_BYTE_ARRAY.
  init(_ form: ByteArrayForm, fixedLength: Int?) {
    self.form = form
    self.fixedLength = fixedLength
  }

  var shortestRunWorthSkipping: Int { 6 }

  func setDictionary(_ bytes: UnsafeRawBufferPointer, count: Int) throws(ParquetError) {
    // Every entry takes at least its length prefix (or its fixed length), so that the page bounds the count.
    let least = fixedLength ?? 4
    guard least > 0, count * least <= bytes.count else {
      throw .corrupt("dictionary of \(count) values in \(bytes.count) bytes")
    }
    let values = StringBuilder(rows: count, bytes: bytes.count)
    var decoder = unsafe PlainByteArrayDecoder(bytes, fixedLength: fixedLength)
    try decoder.decode(count, into: values)
    let raw = values.finish(.string)
    rawDictionary = raw
    dictionary = try form.column(raw)
  }

  func startPage(_ bytes: UnsafeRawBufferPointer, encoding: Encoding) throws(ParquetError) {
    switch encoding {
    case .plainDictionary, .rleDictionary:
      guard rawDictionary != nil else { throw .corrupt("dictionary-encoded page without a dictionary") }
      page = unsafe .codes(try codeDecoder(bytes))
    case .plain: page = unsafe .plain(PlainByteArrayDecoder(bytes, fixedLength: fixedLength))
    case .deltaLengthByteArray where fixedLength == nil: page = unsafe .deltaLength(try DeltaLengthDecoder(bytes))
    case .deltaByteArray: page = unsafe .deltaBytes(try DeltaByteArrayDecoder(bytes))
    case .byteStreamSplit:
      guard let fixedLength else { throw .notSupported("encoding \(encoding) for BYTE_ARRAY values") }
      page = unsafe .split(try FixedDecoder(bytes, encoding: encoding, type: .fixedLenByteArray, width: fixedLength))
    default: throw .notSupported("encoding \(encoding) for byte arrays")
    }
  }

  func begin(rows: Int) {
    codes.removeAll()
    codes.reserve(rows)
    isCoded = true
    self.rows = 0
  }

  func append(values: Int, rows: Int, validity: UnsafePointer<UInt64>?, at position: Int) throws(ParquetError) {
    if case .codes(var decoder) = page, isCoded {
      codes.reserve(rows)
      let out = unsafe codes.pointer + codes.count
      if values > 0 {
        let limit = rawDictionary?.count ?? 0
        try unsafe out.withMemoryRebound(to: UInt32.self, capacity: values) { (out) throws(ParquetError) in
          try unsafe decoder.decodeCodes(out, values, limit: limit)
        }
        page = .codes(decoder)
      }
      if values < rows, let validity = unsafe validity { unsafe spread(out, rows: rows, values: values, validity, at: position, filler: 0) }
      codes.count += rows
      self.rows += rows
      return
    }
    try leaveCodes()
    let first = text.offsets.count
    try decode(values)
    if values < rows, let validity = unsafe validity {
      // Offsets of nulls repeat the one before: `values` ends spread over `rows` slots.
      text.offsets.reserve(rows - values)
      let out = unsafe text.offsets.pointer + first
      var from = values
      var row = rows
      while row > 0, from < row {
        row -= 1
        let bit = position + row
        // Slot `row` ends where the values up to it end.
        unsafe out[row] = unsafe from == 0 ? out[-1] : out[from - 1]
        if unsafe validity[bit >> 6] >> UInt64(bit & 63) & 1 != 0 { from -= 1 }
      }
      text.offsets.count += rows - values
    }
    self.rows += rows
  }

  /// Appends dense values of the current page to `text`.
  private func decode(_ values: Int) throws(ParquetError) {
    if values == 0 { return }
    switch page {
    case .none: throw .corrupt("values without a page")
    case .plain(var decoder):
      try decoder.decode(values, into: text)
      page = .plain(decoder)
    case .deltaLength(var decoder):
      page = .none
      defer { page = .deltaLength(decoder) }
      try decoder.decode(values, into: text)
    case .deltaBytes(var decoder):
      page = .none
      defer { page = .deltaBytes(decoder) }
      try decoder.decode(values, into: text)
    case .split(var decoder):
      let raw = try unsafe decoder.next(values, scratch: scratch)
      page = .split(decoder)
      let width = fixedLength ?? 0
      var plain = unsafe PlainByteArrayDecoder(UnsafeRawBufferPointer(start: raw, count: values * width), fixedLength: width)
      try plain.decode(values, into: text)
    case .codes(var decoder):
      let block = try unsafe scratch.reserve(values * 4).assumingMemoryBound(to: UInt32.self)
      try unsafe decoder.decodeCodes(block, values, limit: rawDictionary?.count ?? 0)
      page = .codes(decoder)
      try unsafe appendEntries(UnsafePointer(block), values)
    }
  }

  /// Appends the dictionary's values for `count` checked codes.
  private func appendEntries(_ codes: UnsafePointer<UInt32>, _ count: Int) throws(ParquetError) {
    guard case .bytes(let offsets, let data)? = rawDictionary?.storage else { return }
    defer { withExtendedLifetime((offsets, data)) {} }
    let ends = unsafe offsets.pointer
    let source = unsafe data.pointer
    let base = text.data.count
    var total = 0
    let newEnds = unsafe text.offsets.appendUninitialized(count)
    for i in 0..<count {
      let code = unsafe Int(codes[i])
      unsafe total &+= Int(ends[code &+ 1] &- ends[code])
      unsafe newEnds[i] = Int32(truncatingIfNeeded: base &+ total)
    }
    do throws(ParquetError) { try text.checkRoom(total) } catch {
      text.offsets.count -= count
      throw error
    }
    text.data.reserve(total + 16)
    var target = unsafe text.data.appendUninitialized(total)
    for i in 0..<count {
      let start = unsafe Int(ends[Int(codes[i])])
      let length = unsafe Int(ends[Int(codes[i]) &+ 1]) &- start
      // SAFETY: 64 readable bytes follow the dictionary's buffer; 16 writable ones were reserved behind the output.
      unsafe copyShort(source + start, target, length)
      unsafe target += length
    }
  }

  /// Turns codes collected so far into bytes: the batch mixes dictionary-encoded pages with others.
  private func leaveCodes() throws(ParquetError) {
    guard isCoded else { return }
    isCoded = false
    text = StringBuilder(rows: codes.capacity, bytes: 0)
    guard rawDictionary?.count ?? 0 > 0 else {
      for _ in 0..<codes.count { text.appendEmpty() }
      return
    }
    let count = codes.count
    try unsafe codes.pointer.withMemoryRebound(to: UInt32.self, capacity: count) { (codes) throws(ParquetError) in
      try unsafe appendEntries(UnsafePointer(codes), count)
    }
    codes.removeAll()
  }

  func skip(values: Int) throws(ParquetError) {
    if values == 0 { return }
    switch page {
    case .none: throw .corrupt("values without a page")
    case .plain(var decoder):
      try decoder.skip(values)
      page = .plain(decoder)
    case .deltaLength(var decoder):
      page = .none
      defer { page = .deltaLength(decoder) }
      try decoder.skip(values)
    case .deltaBytes(var decoder):
      page = .none
      defer { page = .deltaBytes(decoder) }
      try decoder.skip(values)
    case .split(var decoder):
      try decoder.skip(values)
      page = .split(decoder)
    case .codes(var decoder):
      try decoder.skip(values)
      page = .codes(decoder)
    }
  }

  func finish(validity: Bitmap?) throws(ParquetError) -> ColumnVector {
    if isCoded {
      let count = rows
      guard let dictionary, dictionary.count > 0 else {
        // No values at all: nothing but nulls (or no rows).
        return .nulls(form.type, count: count)
      }
      return .dictionary(codes: codes.finish(), values: dictionary, validity: validity)
    }
    let raw = text.finish(.string)
    let vector = try form.column(raw, validity: validity)
    return validity == nil ? vector : vector.withValidity(validity)
  }
}
