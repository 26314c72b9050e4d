// Role: small files read and written whole: marks, journals, leases. Written files are durable before they are visible, and appear at once.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource

enum SmallFile {
  /// Larger files are not what they claim to be.
  private static let maxBytes = 256 << 20

  /// The whole text. Throws PATH_NOT_FOUND, PERMISSION, IO, or FORMAT_CORRUPT when it is too large to be one of ours.
  static func read(_ path: String) throws -> String {
    let file = try InputFile(path: path)
    guard let size = file.size, size <= maxBytes else { throw KConnectError(.formatCorrupt, "'\(path)' is no regular file of at most \(maxBytes) bytes") }
    let bytes = unsafe try [UInt8](capturing: size) { try unsafe file.pread(into: $0, at: 0) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Writes a file that must not exist: temporary name, fsync, rename without replacing, fsync of the directory. False when another was there
  /// first. The directory exists.
  static func createDurably(_ path: String, _ text: String, fileSystem: FileSystem) throws -> Bool {
    let temporary = joinPath(parentPath(path), ".\(randomIdentifier()).tmp")
    do {
      let file = try OutputFile(creating: temporary, displayPath: path, fileSystem: fileSystem)
      var text = text
      try text.withUTF8 { try unsafe file.write(UnsafeRawBufferPointer($0)) }
      try file.sync()
      try file.close()
      let code = fileSystem.rename(temporary, path, .noReplace)
      if code == EEXIST {
        _ = fileSystem.remove(temporary)
        return false
      }
      try check(code, "cannot create", path)
    } catch {
      _ = fileSystem.remove(temporary)
      throw error
    }
    try check(fileSystem.syncDirectory(parentPath(path)), "cannot sync the directory of", path)
    return true
  }

  /// Throws the error of an errno other than 0.
  static func check(_ code: Int32, _ what: String, _ path: String) throws {
    if code != 0 { throw SystemError.make(what, path, code) }
  }
}

extension [UInt8] {
  /// `count` bytes that `fill` writes; it answers how many it wrote.
  init(capturing count: Int, _ fill: (UnsafeMutableRawBufferPointer) throws -> Int) throws {
    // SAFETY: the buffer has `count` bytes; at most `count` of them are declared initialised.
    self = try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = Swift.min(count, try unsafe fill(UnsafeMutableRawBufferPointer(buffer)))
    }
  }
}

extension DynamicValue {
  /// JSON text as a value; nil when it is malformed.
  init?(json text: String) {
    let out = BufferBuilder<UInt8>()
    var text = text
    // SAFETY: the text's bytes and the builder's live through the calls.
    let isRead: Bool = text.withUTF8 { bytes in
      do {
        try unsafe DynamicParser().parse(bytes, into: out)
        return true
      } catch { return false }
    }
    guard isRead else { return nil }
    self = unsafe out.finish().withUnsafe { unsafe DynamicValue(binary: $0) }
  }

  /// The text of a string value.
  var stringValue: String? { if case .string(let value) = self { value } else { nil } }
  /// The number of a long value.
  var longValue: Int64? { if case .long(let value) = self { value } else { nil } }
  /// The elements of an array.
  var elements: [DynamicValue]? { if case .array(let items) = self { items } else { nil } }
  /// The entries of a bag.
  var entries: [DynamicEntry]? { if case .bag(let entries) = self { entries } else { nil } }
}
