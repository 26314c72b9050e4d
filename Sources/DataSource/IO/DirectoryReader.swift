// Role: reads the names in one directory, sorted by bytes, so that listings are the same everywhere.

#if canImport(Glibc)
package import Glibc
#endif

package enum DirectoryReader {
  /// All names but `.` and `..`, sorted by their bytes; those that are not UTF-8 with replacement characters. Throws PATH_NOT_FOUND,
  /// PERMISSION or IO.
  package static func names(in directory: String) throws -> [String] { try read(directory) { $0.text } }

  /// The names that are UTF-8; `onForeignName` gets the others, which no path of ours can say.
  package static func names(in directory: String, onForeignName: (ForeignName) throws -> Void) throws -> [String] {
    try read(directory) { name in
      if name.isText { return name.text }
      try onForeignName(ForeignName(name))
      return nil
    }
  }

  private static func read(_ directory: String, _ text: (EntryName) throws -> String?) throws -> [String] {
    guard let stream = unsafe opendir(directory) else { throw SystemError.make("cannot list", directory, errno) }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        if errno != 0 { throw SystemError.make("cannot list", directory, errno) }
        break
      }
      if let name = try text(unsafe EntryName(entry)), name != ".", name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}

/// The name of a directory entry, which Linux allows to be any bytes.
package struct EntryName {
  /// The name; where it is not UTF-8, with replacement characters.
  package let text: String
  /// False when the bytes are not UTF-8.
  package let isText: Bool
  fileprivate let escaped: String
  package let isDirectory: Bool

  // SAFETY: the entry lives until the next call of readdir; everything is copied here.
  package init(_ entry: UnsafeMutablePointer<dirent>) {
    isDirectory = unsafe entry.pointee.d_type == UInt8(DT_DIR)
    (text, isText, escaped) = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
      unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
        if let text = unsafe String(validatingCString: name) { return (text, true, text) }
        let bytes = unsafe UnsafeRawBufferPointer(start: name, count: strlen(name))
        return unsafe (String(decoding: bytes, as: UTF8.self), false, ForeignName.escaped(bytes))
      }
    }
  }
}

/// A name that is not UTF-8.
package struct ForeignName: Sendable, Hashable {
  /// With replacement characters, for comparisons with patterns and extensions.
  package let approximation: String
  /// As it is shown: bytes beyond ASCII as `\xE9`.
  package let escaped: String
  package let isDirectory: Bool

  package init(_ name: EntryName) {
    approximation = name.text
    escaped = name.escaped
    isDirectory = name.isDirectory
  }

  static func escaped(_ bytes: UnsafeRawBufferPointer) -> String {
    unsafe bytes.map { byte in
      if byte >= 0x20, byte < 0x7F { return String(UnicodeScalar(byte)) }
      return "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }.joined()
  }

  /// What is said of a file of that name.
  package func error(in directory: String) -> KConnectError {
    KConnectError(.notSupported, "not supported: the name of '\(joinPath(directory, escaped))' is not UTF-8", hint: "rename it, or name the others with a pattern")
  }
}
