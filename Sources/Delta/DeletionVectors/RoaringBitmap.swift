// Role: reads serialised 64-bit Roaring bitmaps in the portable form (RoaringFormatSpec) into one bit per row. Every length is checked.

/// A failure to read a bitmap: where and why.
struct RoaringError: Error {
  let offset: Int
  let message: String
}

/// Reads a bitmap front to back.
struct RoaringReader {
  private let bytes: ArraySlice<UInt8>
  private var at: Int
  /// Gets every run of values, in ascending order within a container.
  private let emit: (Range<UInt64>) throws -> Void

  /// `bytes` hold one 64-bit bitmap and nothing else; `emit` gets its values as runs.
  static func read(_ bytes: ArraySlice<UInt8>, _ emit: (Range<UInt64>) throws -> Void) throws {
    try withoutActuallyEscaping(emit) { emit in
      var reader = RoaringReader(bytes: bytes, at: bytes.startIndex, emit: emit)
      let buckets = try reader.number(8)
      guard buckets <= UInt64(bytes.count / 4) else { throw reader.error("\(buckets) buckets in \(bytes.count) bytes") }
      var last: UInt64?
      for _ in 0..<buckets {
        let key = try reader.number(4)
        guard key < 1 << 31, last.map({ key > $0 }) ?? true else { throw reader.error("bucket keys do not ascend") }
        last = key
        try reader.bucket(key << 32)
      }
      guard reader.at == bytes.endIndex else { throw reader.error("\(bytes.endIndex - reader.at) bytes behind the bitmap") }
    }
  }

  private func error(_ message: String) -> RoaringError { RoaringError(offset: at - bytes.startIndex, message: message) }

  /// An unsigned little-endian number of `size` bytes.
  private mutating func number(_ size: Int) throws -> UInt64 {
    guard bytes.endIndex - at >= size else { throw error("the bitmap ends early") }
    var value: UInt64 = 0
    for k in 0..<size { value |= UInt64(bytes[at + k]) << UInt64(8 * k) }
    at += size
    return value
  }

  /// A 32-bit bitmap whose values are moved up by `base`.
  private mutating func bucket(_ base: UInt64) throws {
    let cookie = try number(4)
    var count: Int
    var runs: [UInt8] = []
    if cookie == 12_346 {
      count = Int(try number(4))
    } else if cookie & 0xFFFF == 12_347 {
      count = Int(cookie >> 16) + 1
      for _ in 0..<(count + 7) / 8 { runs.append(UInt8(truncatingIfNeeded: try number(1))) }
    } else {
      throw error("unknown cookie \(cookie)")
    }
    guard count <= 65_536 else { throw error("\(count) containers") }
    var containers: [(base: UInt64, cardinality: Int)] = []
    for _ in 0..<count {
      let key = try number(2)
      containers.append((base | key << 16, Int(try number(2)) + 1))
    }
    if runs.isEmpty || count >= 4 { for _ in 0..<count { _ = try number(4) } }
    for (i, container) in containers.enumerated() {
      if !runs.isEmpty, runs[i / 8] >> UInt8(i % 8) & 1 == 1 {
        try runContainer(container.base)
      } else if container.cardinality <= 4_096 {
        for _ in 0..<container.cardinality {
          let value = container.base | (try number(2))
          try emit(value..<value + 1)
        }
      } else {
        for word in 0..<1_024 {
          var bits = try number(8)
          while bits != 0 {
            let value = container.base | UInt64(word * 64 + bits.trailingZeroBitCount)
            try emit(value..<value + 1)
            bits &= bits - 1
          }
        }
      }
    }
  }

  private mutating func runContainer(_ base: UInt64) throws {
    for _ in 0..<(try number(2)) {
      let start = try number(2)
      let length = try number(2) + 1
      guard start + length <= 65_536 else { throw error("a run leaves its container") }
      try emit(base | start..<(base | start) + length)
    }
  }
}
