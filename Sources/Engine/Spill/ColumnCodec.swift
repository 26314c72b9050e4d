// Role: the block format of spill files and row logs: for each column its type, form and buffers, each buffer prefixed with its length and padded
// to 64 bytes, so that a block read back is used in place. Columns are written flat.

package import Columnar
import DataSource

package enum ColumnCodec {
  private enum Form: UInt8 { case bool, int, long, real, decimal64, decimal128, bytes, guid }

  /// One column's fixed part.
  private struct Header: BitwiseCopyable {
    var type: UInt8
    var form: UInt8
    var hasValidity: UInt8
    var unused: UInt8 = 0
    var scale: Int32
  }

  /// The block of columns that have `rowCount` rows each.
  package static func encode(_ columns: [ColumnVector], rowCount: Int) -> Buffer<UInt8> {
    let out = BufferBuilder<UInt8>(capacity: columns.reduce(64) { $0 + $1.byteSize + 256 })
    put(UInt64(columns.count), out)
    for column in columns { encode(column.flattened, out) }
    return out.finish()
  }

  private static func encode(_ column: ColumnVector, _ out: BufferBuilder<UInt8>) {
    var form = Form.bool, scale = 0
    switch column.storage {
    case .bool: form = .bool
    case .int: form = .int
    case .long: form = .long
    case .real: form = .real
    case .decimal64(_, let s): (form, scale) = (.decimal64, s)
    case .decimal128: form = .decimal128
    case .bytes: form = .bytes
    case .guid: form = .guid
    case .constant, .dictionary: preconditionFailure("a flattened vector is flat")
    }
    let type = DataType.allCases.firstIndex(of: column.type) ?? 0
    put(Header(type: UInt8(type), form: form.rawValue, hasValidity: column.validity == nil ? 0 : 1, scale: Int32(scale)), out)
    if let validity = column.validity { put(validity.words, out) }
    switch column.storage {
    case .bool(let bits): put(bits.words, out)
    case .int(let b): put(b, out)
    case .long(let b), .decimal64(let b, _): put(b, out)
    case .real(let b): put(b, out)
    case .decimal128(let b, let scales):
      put(b, out)
      put(scales, out)
    case .guid(let b): put(b, out)
    case .bytes(let offsets, let data):
      let first = Int(offsets[0]), last = Int(offsets[column.count])
      if first == 0 { put(offsets, out) } else { put(Buffer(offsets.array.map { $0 - Int32(first) }), out) }
      put(data.slice(first..<last), out)
    case .constant, .dictionary: break
    }
  }

  private static func put<T: BitwiseCopyable>(_ value: T, _ out: BufferBuilder<UInt8>) {
    unsafe withUnsafeBytes(of: value) { unsafe out.append(contentsOf: $0.assumingMemoryBound(to: UInt8.self)) }
  }

  private static func put<T>(_ buffer: Buffer<T>, _ out: BufferBuilder<UInt8>) {
    put(UInt64(buffer.count), out)
    let padding = (64 - out.count & 63) & 63
    unsafe out.appendUninitialized(padding).update(repeating: 0, count: padding)
    unsafe buffer.withUnsafe { unsafe out.append(contentsOf: UnsafeBufferPointer(rebasing: UnsafeRawBufferPointer($0).assumingMemoryBound(to: UInt8.self)[...])) }
    let tail = (64 - out.count & 63) & 63
    unsafe out.appendUninitialized(tail).update(repeating: 0, count: tail)
  }

  /// Windows on the block's memory, which begins at a multiple of 64. Throws IO for a block whose lengths do not fit it.
  package static func decode(_ block: Buffer<UInt8>, rowCount: Int) throws -> [ColumnVector] {
    var reader = Reader(block: block)
    let count = try reader.take(UInt64.self)
    var columns: [ColumnVector] = []
    for _ in 0..<count { columns.append(try decode(&reader, rowCount)) }
    return columns
  }

  /// As `decode`, for blocks that come from outside: every buffer has the rows' elements, every text lies within its data.
  package static func decodeChecked(_ block: Buffer<UInt8>, rowCount: Int) throws -> [ColumnVector] {
    let columns = try decode(block, rowCount: rowCount)
    guard columns.allSatisfy({ isSound($0, rowCount) }) else { throw Reader.damaged() }
    return columns
  }

  private static func isSound(_ column: ColumnVector, _ rows: Int) -> Bool {
    if let validity = column.validity, !isSound(validity, rows) { return false }
    switch column.storage {
    case .bool(let bits): return column.type == .bool && isSound(bits, rows)
    case .int(let b): return column.type == .int && b.count == rows
    case .long(let b): return [.long, .datetime, .timespan].contains(column.type) && b.count == rows
    case .real(let b): return column.type == .real && b.count == rows
    case .decimal64(let b, let scale): return column.type == .decimal && b.count == rows && ColumnVector.narrowScales.contains(scale)
    case .decimal128(let b, let scales): return column.type == .decimal && b.count == rows && scales.count == rows
    case .guid(let b): return column.type == .guid && b.count == rows
    case .bytes(let offsets, let data):
      guard column.type == .string || column.type == .dynamic, offsets.count == rows + 1, offsets[0] == 0, Int(offsets[rows]) <= data.count else { return false }
      for i in 0..<rows where offsets[i] > offsets[i + 1] { return false }
      return true
    case .constant, .dictionary: return false
    }
  }

  /// A bit for each row, and none beyond them.
  private static func isSound(_ bits: Bitmap, _ rows: Int) -> Bool {
    let words = (rows + 63) / 64
    return bits.words.count == words && (rows & 63 == 0 || bits.words[words - 1] >> UInt64(rows & 63) == 0)
  }

  private static func decode(_ reader: inout Reader, _ rowCount: Int) throws -> ColumnVector {
    let header = try reader.take(Header.self)
    guard let form = Form(rawValue: header.form), Int(header.type) < DataType.allCases.count else { throw Reader.damaged() }
    let type = DataType.allCases[Int(header.type)]
    let validity = header.hasValidity == 1 ? Bitmap(words: try reader.buffer(UInt64.self), count: rowCount) : nil
    let storage: VectorStorage = switch form {
    case .bool: .bool(Bitmap(words: try reader.buffer(UInt64.self), count: rowCount))
    case .int: .int(try reader.buffer(Int32.self))
    case .long: .long(try reader.buffer(Int64.self))
    case .real: .real(try reader.buffer(Double.self))
    case .decimal64: ColumnVector.decimal(try reader.buffer(Int64.self), scale: Int(header.scale)).storage
    case .decimal128: .decimal128(try reader.buffer(Int128.self), scales: try reader.buffer(Int16.self))
    case .guid: .guid(try reader.buffer(GUID.self))
    case .bytes: .bytes(offsets: try reader.buffer(Int32.self), data: try reader.buffer(UInt8.self))
    }
    return ColumnVector(type: type, count: rowCount, validity: validity, storage: storage)
  }

  /// Reads a block front to back; checks every length against what remains.
  private struct Reader {
    let block: Buffer<UInt8>
    var at = 0

    init(block: Buffer<UInt8>) { self.block = block }

    /// Keeps the block's memory alive for the windows on it.
    private final class Owner: @unchecked Sendable {  // immutable memory
      let block: Buffer<UInt8>
      init(_ block: Buffer<UInt8>) { self.block = block }
    }

    static func damaged() -> KConnectError { KConnectError(.io, "a block of rows in a file was damaged") }

    mutating func take<T: BitwiseCopyable>(_ type: T.Type) throws -> T {
      guard at + MemoryLayout<T>.size <= block.count else { throw Self.damaged() }
      defer { at += MemoryLayout<T>.size }
      return unsafe UnsafeRawPointer(block.pointer + at).loadUnaligned(as: T.self)
    }

    mutating func buffer<T: BitwiseCopyable & Sendable>(_ type: T.Type) throws -> Buffer<T> {
      let wanted = try take(UInt64.self)
      guard let count = Int(exactly: wanted) else { throw Self.damaged() }
      at = (at + 63) & ~63
      let (bytes, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
      guard !overflow, count >= 0, at <= block.count, bytes <= block.count - at else { throw Self.damaged() }
      // SAFETY: aligned to 64 in a block aligned to 64, within the block; `Owner` keeps it alive.
      let base = unsafe UnsafeRawPointer(block.pointer + at).assumingMemoryBound(to: T.self)
      at = (at + bytes + 63) & ~63
      return unsafe Buffer<T>(owner: Owner(block), base: base, count: count)
    }
  }
}
