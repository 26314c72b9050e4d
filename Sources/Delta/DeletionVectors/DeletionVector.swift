// Role: finds and reads deletion vectors: inline, in a file beside the data, or by absolute path.

package import Columnar
import Codecs
import DataSource

extension DeletionVectorDescriptor {
  /// Bytes of one vector at most.
  private static let maxBytes = 1 << 30
  private static let magic: UInt32 = 1_681_511_377

  /// The deleted rows of a data file with `rowCount` rows, one bit per row. `table` is the table's directory.
  /// Throws FORMAT_CORRUPT when the vector is damaged or does not fit the file.
  package func deletedRows(rowCount: Int, table: String) throws -> Bitmap {
    let (bytes, place) = try serialized(table)
    func corrupt(_ what: String) -> KConnectError {
      KConnectError(.formatCorrupt, "deletion vector \(place): \(what)", hint: "the file was damaged; restore it from a backup")
    }
    guard bytes.count >= 12 else { throw corrupt("\(bytes.count) bytes, expected at least 12") }
    let magic = Self.littleEndian(bytes.prefix(4))
    guard magic == Self.magic else { throw corrupt("found magic \(magic), expected \(Self.magic)") }
    var words = [UInt64](repeating: 0, count: (rowCount + 63) / 64)
    var found: Int64 = 0
    do {
      try RoaringReader.read(bytes.dropFirst(4)) { run in
        guard run.upperBound <= UInt64(rowCount) else { throw RoaringError(offset: 0, message: "row \(run.upperBound - 1) of a file of \(rowCount) rows") }
        for row in run { words[Int(row >> 6)] |= 1 << (row & 63) }
        found += Int64(run.count)
      }
    } catch let error as RoaringError {
      throw corrupt("\(error.message) (at byte \(error.offset + 4) of the vector)")
    }
    guard found == cardinality else { throw corrupt("\(found) rows, the log says \(cardinality)") }
    return Bitmap(words: Buffer(words), count: rowCount)
  }

  private static func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) } }

  /// The vector's bytes, without size and checksum, and where they stand.
  private func serialized(_ table: String) throws -> (ArraySlice<UInt8>, String) {
    guard sizeInBytes >= 0, sizeInBytes <= Int64(Self.maxBytes) else {
      throw DeltaError.corrupt("deletionVector", "sizeInBytes \(sizeInBytes), expected 0 to \(Self.maxBytes)")
    }
    let size = Int(sizeInBytes)
    if storageType == "i" {
      guard let bytes = Z85.decode(Array(pathOrInlineDv.utf8)), bytes.count >= size, bytes.count - size < 4 else {
        throw DeltaError.corrupt("deletionVector", "the inline vector is not Z85 of \(size) bytes")
      }
      return (bytes[..<size], "inline")
    }
    let path = try filePath(table)
    let start = Int(offset ?? 0)
    guard start >= 0, start < 1 << 48 else { throw DeltaError.corrupt("deletionVector", "offset \(start)") }
    let file = try InputFile(path: path)
    func read(_ at: Int, _ count: Int) throws -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: count)
      let n = try unsafe bytes.withUnsafeMutableBytes { try unsafe file.pread(into: $0, at: at) }
      guard n == count else { throw DeltaError.corrupt("deletion vector '\(path)'", "the file ends at byte \(at + n), expected \(count) bytes from byte \(at)") }
      return bytes
    }
    guard start + size + 8 <= file.size ?? 0 else {
      throw DeltaError.corrupt("deletion vector '\(path)'", "\(size) bytes at byte \(start) do not lie within the file of \(file.size ?? 0)")
    }
    let version = try read(0, 1)[0]
    guard version == 1 else { throw DeltaError.corrupt("deletion vector '\(path)'", "found format version \(version), expected 1") }
    let block = try read(start, size + 8)
    let stated = block.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    guard stated == size else { throw DeltaError.corrupt("deletion vector '\(path)'", "found size \(stated) at byte \(start), the log says \(size)") }
    let payload = block[4..<4 + size]
    let checksum = block.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    // SAFETY: the bytes live for the call.
    let own = unsafe payload.withUnsafeBytes { unsafe crc32Checksum($0) }
    guard own == checksum else { throw DeltaError.corrupt("deletion vector '\(path)'", "the checksum at byte \(start + size + 4) does not match") }
    return (payload, "'\(path)'")
  }

  private func filePath(_ table: String) throws -> String {
    switch storageType {
    case "p": return try DeltaPath.resolve(pathOrInlineDv, in: table)
    case "u":
      let text = Array(pathOrInlineDv.utf8)
      guard text.count >= 20, let raw = Z85.decode(text.suffix(20)), raw.count == 16 else {
        throw DeltaError.corrupt("deletionVector", "'\(pathOrInlineDv.prefix(60))' does not end in a Z85 UUID")
      }
      let prefix = String(decoding: text.dropLast(20), as: UTF8.self)
      guard !prefix.contains("/"), prefix != ".." else { throw DeltaError.corrupt("deletionVector", "the prefix '\(prefix)' leads outside") }
      let high = raw[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }, low = raw[8...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      let name = "deletion_vector_\(GUID(high: high, low: low)).bin"
      return joinPath(table, prefix.isEmpty ? name : joinPath(prefix, name))
    default: throw DeltaError.notSupported("the deletion vector storage type '\(storageType.prefix(20))'")
    }
  }
}
