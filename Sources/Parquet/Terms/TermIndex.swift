// The terms of a file's text columns: bloom filters that stand between the row groups and the page indexes, with a directory behind them
// that the footer's key-value metadata points at. Readers that do not know the key skip it all.
//
//   directory: "KTX1", u32 entry count, entries; all numbers little-endian
//   entry:     u32 row group, u32 column, u32 rows per block, u32 block count, block count × (u64 offset, u32 bytes; 0 bytes: no filter)

/// The key of the file metadata entry that leads to the directory: `offset:bytes`.
package let termIndexKey = "kconnect.terms"

/// The directory of a file's term filters.
package struct TermIndex: Sendable {
  struct Entry: Sendable {
    var blockRows: Int
    var blocks: [(offset: Int, byteCount: Int)]
  }

  private var entries: [Int: Entry] = [:]
  private static let magic: [UInt8] = Array("KTX1".utf8)

  private static func key(_ rowGroup: Int, _ column: Int) -> Int { rowGroup << 20 | column }

  mutating func add(rowGroup: Int, column: Int, blockRows: Int, blocks: [(offset: Int, byteCount: Int)]) {
    entries[Self.key(rowGroup, column)] = Entry(blockRows: blockRows, blocks: blocks)
  }

  var isEmpty: Bool { entries.isEmpty }

  /// The filters of a column chunk; nil when it has none.
  func entry(rowGroup: Int, column: Int) -> Entry? { entries[Self.key(rowGroup, column)] }

  var serialized: [UInt8] {
    var out = Self.magic
    func put32(_ value: Int) { out += ChunkBounds.littleEndian(UInt32(truncatingIfNeeded: value)) }
    put32(entries.count)
    for (key, entry) in entries.sorted(by: { $0.key < $1.key }) {
      put32(key >> 20)
      put32(key & 0xF_FFFF)
      put32(entry.blockRows)
      put32(entry.blocks.count)
      for block in entry.blocks {
        put32(block.offset & 0xFFFF_FFFF)
        put32(block.offset >> 32)
        put32(block.byteCount)
      }
    }
    return out
  }

  init() {}

  /// Reads a directory; nil when it is malformed: an index is a help, not data.
  init?(_ bytes: [UInt8], fileByteCount: Int) {
    var at = 4
    func get32() -> Int? {
      guard at + 4 <= bytes.count else { return nil }
      defer { at += 4 }
      return Int(bytes[at]) | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2]) << 16 | Int(bytes[at + 3]) << 24
    }
    guard bytes.starts(with: Self.magic), let count = get32(), count <= bytes.count / 16 else { return nil }
    for _ in 0..<count {
      guard let group = get32(), let column = get32(), let rows = get32(), let blockCount = get32(), column < 1 << 20, rows > 0,
        blockCount <= (bytes.count - at) / 12
      else { return nil }
      var blocks: [(offset: Int, byteCount: Int)] = []
      for _ in 0..<blockCount {
        guard let low = get32(), let high = get32(), let size = get32() else { return nil }
        let offset = low | high << 32
        guard offset >= 0, size % 32 == 0, offset <= fileByteCount, size <= fileByteCount - offset else { return nil }
        blocks.append((offset, size))
      }
      entries[Self.key(group, column)] = Entry(blockRows: rows, blocks: blocks)
    }
  }
}

extension ParquetFile {
  /// The directory of the file's term filters; nil when it has none.
  package func termIndex() throws(ParquetError) -> TermIndex? {
    guard let text = metadata.keyValues?.first(where: { $0.key == termIndexKey })?.value else { return nil }
    let parts = text.split(separator: ":")
    guard parts.count == 2, let offset = Int(parts[0]), let length = Int(parts[1]), offset >= 4, length > 0, offset <= source.byteCount,
      length <= source.byteCount - offset
    else { return nil }
    return TermIndex(try bytes(at: offset, length), fileByteCount: source.byteCount)
  }

  /// The rows of a row group whose blocks can hold all terms of one of the `alternatives` (hashes) in a column; nil when the index says
  /// nothing about it. Reads 32 bytes per term and block.
  package func rows(
    mayContain alternatives: [[UInt64]], rowGroup: Int, field: Int, index: TermIndex
  ) throws(ParquetError) -> (rows: RowSelection, blocks: Int, pruned: Int)? {
    guard case .flat(let leaf, _) = schema.fields[field].decoding, let entry = index.entry(rowGroup: rowGroup, column: leaf) else { return nil }
    let rowCount = metadata.rowGroups[rowGroup].rowCount
    guard entry.blocks.count == (rowCount + entry.blockRows - 1) / entry.blockRows else { return nil }
    var kept: [Range<Int>] = []
    var pruned = 0
    for (i, block) in entry.blocks.enumerated() {
      var may = block.byteCount == 0
      for terms in alternatives where !may {
        var hasAll = true
        for hash in terms where hasAll { hasAll = try mayContain(hash, block) }
        may = hasAll
      }
      if may { kept.append(i * entry.blockRows..<min(rowCount, (i + 1) * entry.blockRows)) } else { pruned += 1 }
    }
    return (RowSelection(kept), entry.blocks.count, pruned)
  }

  // SAFETY: the reader fills all `length` bytes or throws; they are copied, and `scratch` is not released before that.
  private func bytes(at offset: Int, _ length: Int) throws(ParquetError) -> [UInt8] {
    let scratch = ScratchBuffer()
    let target = unsafe try scratch.reserveBuffer(length)
    unsafe try source.read(at: offset, into: target)
    return unsafe Array(UnsafeRawBufferPointer(target))
  }
}
