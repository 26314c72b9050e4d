// Role: hash functions on values. hash is xxHash64 of a string's UTF-8 or of a number's little-endian bytes (datetime: ticks since 0001);
// the digests hash the value's text. How Kusto combines hashes is not documented: hash_combine and hash_many here agree only with themselves.
// Source: Kusto "hash()", "hash_md5()", with the values their pages show.

import Columnar

private func spec(_ name: String, aliases: [String] = [], _ arity: ClosedRange<Int>, _ parameters: String, _ summary: String, _ example: String,
  bind: @escaping @Sendable (FunctionCall) throws -> BoundFunction) -> FunctionSpec
{
  FunctionSpec(name, aliases: aliases, .hash, arity, parameters: parameters, summary, example: example, bind: bind)
}

/// The 64-bit hashes of a column; nulls hash as empty.
// SAFETY: a number's bytes live for the call; texts are windows on the vector's memory, which the caller keeps alive. A decimal's text takes at
// most `ScalarText.room` bytes.
private func hashes(_ vector: ColumnVector, _ n: Int) throws -> ColumnVector {
  func number<T: BitwiseCopyable>(_ value: T) -> Int64 {
    unsafe withUnsafeBytes(of: value) { unsafe Int64(bitPattern: xxhash64($0.assumingMemoryBound(to: UInt8.self))) }
  }
  let nothing = unsafe Int64(bitPattern: xxhash64(UnsafeBufferPointer(start: nil, count: 0)))
  func each(_ f: (Int) -> Int64) throws -> ColumnVector { try Int64.collect(n) { vector.hasValue($0) ? f($0) : nothing } }
  switch vector.type {
  case .string, .dynamic:
    let text = TextRows(vector)
    return try Int64.collect(n) { unsafe Int64(bitPattern: xxhash64(text[$0])) }
  case .datetime:
    let rows = LongRows(vector)
    return try each { number(rows[$0] &- CivilTime.minTicks) }
  case .long, .timespan:
    let rows = LongRows(vector)
    return try each { number(rows[$0]) }
  case .int:
    let rows = IntRows(vector)
    return try each { number(Int64(rows[$0])) }
  case .real:
    let rows = RealRows(vector)
    return try each { number(rows[$0]) }
  case .bool:
    let rows = BoolRows(vector)
    return try each { number(UInt8(rows[$0] ? 1 : 0)) }
  case .guid:
    let rows = GUIDRows(vector)
    return try each { i in
      let value = rows[i]
      return number((value.high.bigEndian, value.low.bigEndian))
    }
  case .decimal:
    let rows = DecimalRows(vector)
    return try each { i in
      var text = unsafe ScalarText.text { unsafe ScalarText.write(decimal: rows[i].normalized, to: $0) }
      return text.withUTF8 { unsafe Int64(bitPattern: xxhash64($0)) }
    }
  }
}

private func bindHash(_ call: FunctionCall) throws -> BoundFunction {
  guard call.types[0] != .dynamic else { throw call.wrongTypes("anything but dynamic; convert it with tostring()") }
  if call.count == 1 { return BoundFunction(.long, [call.types[0]], nulls: .custom) { arguments, n in try hashes(arguments[0], n) } }
  return BoundFunction(.long, [call.types[0], .long], nulls: .custom) { arguments, n in
    let all = try hashes(arguments[0], n)
    let values = LongRows(all), mod = LongRows(arguments[1])
    return try withExtendedLifetime(all) {
      try Optional<Int64>.collect(n) { i -> Int64? in
        let m = mod[i]
        return m <= 0 ? nil : Int64(UInt64(bitPattern: values[i]) % UInt64(m))
      }
    }
  }
}

// SAFETY: the row lives for the call; four bits index the 16 digits, which live for ever.
private func digest(_ name: String, _ summary: String, _ f: @escaping @Sendable (UnsafeBufferPointer<UInt8>) -> [UInt8]) -> FunctionSpec {
  spec(name, 1...1, "value", summary, "\(name)('World')") { call in
    guard call.types[0] != .dynamic else { throw call.wrongTypes("anything but dynamic; convert it with tostring()") }
    return unsafe BoundFunction(.string, [.string], kernel: textRows(TextRows.self) { text, out in
      let digits: StaticString = "0123456789abcdef"
      for byte in unsafe f(text) {
        unsafe out.append(digits.utf8Start[Int(byte >> 4)])
        unsafe out.append(digits.utf8Start[Int(byte & 15)])
      }
    })
  }
}

private func combined(_ name: String, _ summary: String, hashing: Bool) -> FunctionSpec {
  spec(name, 2...64, hashing ? "value, …" : "hash, …", summary, hashing ? "hash_many('a', 'b')" : "hash_combine(hash('a'), hash('b'))") { call in
    BoundFunction(.long, hashing ? call.types : Array(repeating: .long, count: call.count), nulls: .custom) { arguments, n in
      let columns = try arguments.map { hashing ? try hashes($0, n) : $0 }
      let readers = columns.map { LongRows($0) }
      return try withExtendedLifetime(columns) {
        try Int64.collect(n) { i in
          var h = UInt64(bitPattern: readers[0][i])
          for reader in readers.dropFirst() { h = mixedHash(h, UInt64(bitPattern: reader[i])) }
          return Int64(bitPattern: h)
        }
      }
    }
  }
}

// SAFETY: the row lives for the call, whose result is a copy.
let hashFunctions: [FunctionSpec] = unsafe [
  spec("hash", aliases: ["hash_xxhash64"], 1...2, "value [, mod]", "xxHash64 of a value, or its remainder.", "hash('World', 100)", bind: bindHash),
  digest("hash_md5", "MD5 of the value's text, in hexadecimal.") { unsafe md5($0) },
  unsafe digest("hash_sha1", "SHA-1 of the value's text, in hexadecimal.") { unsafe sha1($0) },
  unsafe digest("hash_sha256", "SHA-256 of the value's text, in hexadecimal.") { unsafe sha256($0) },
  combined("hash_combine", "One hash of several; the way of combining is this engine's own.", hashing: false),
  combined("hash_many", "One hash of several values; the way of combining is this engine's own.", hashing: true),
]
