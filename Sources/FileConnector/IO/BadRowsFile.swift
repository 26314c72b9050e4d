// Role: where rows go that could not be read: one JSON object a line with file, line, byte, reason and the text. Shared by all threads of a scan.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Synchronization

/// A file of rejected rows, created when the first one comes.
package final class BadRowsFile: Sendable {
  private struct State {
    var file: OutputFile?
    var count = 0
  }

  private let path: String
  private let state = Mutex(State())

  private struct Weak {
    weak var file: BadRowsFile?
  }

  private static let living = Mutex<[String: Weak]>([:])

  /// The file of that path, the same for all files of a table: the table holds it, its files find it here.
  package static func shared(_ path: String) -> BadRowsFile {
    living.withLock { living in
      if let found = living[path]?.file { return found }
      let made = BadRowsFile(path)
      living[path] = Weak(file: made)
      return made
    }
  }

  /// `path` is a file, replaced when it exists, or an existing directory, which gets a new file.
  private init(_ path: String) {
    self.path = pathKind(path) == .directory ? joinPath(path, "bad-rows-\(randomIdentifier()).ndjson") : path
  }

  /// Rows written so far.
  package var count: Int { state.withLock { $0.count } }

  /// Adds one row; throws when the file cannot be written.
  package func add(file: String, line: Int?, byte: Int, reason: String, text: UnsafeBufferPointer<UInt8>) throws {
    let out = BufferBuilder<UInt8>()
    func put(_ text: String) {
      var text = text
      text.withUTF8 { out.append(contentsOf: $0) }
    }
    func quoted(_ text: String) {
      var text = text
      text.withUTF8 { DynamicPrinter.string($0, out) }
    }
    put("{\"file\":")
    quoted(file)
    if let line { put(",\"line\":\(line)") }
    put(",\"byte\":\(byte),\"reason\":")
    quoted(reason)
    put(",\"record\":")
    quoted(String(decoding: text.prefix(1 << 20), as: UTF8.self))
    put("}\n")
    let bytes = UnsafeRawBufferPointer(start: out.pointer, count: out.count)
    try state.withLock { state in
      if state.file == nil {
        if pathKind(path) == .file { _ = FileSystem.system.remove(path) }
        state.file = try OutputFile(creating: path)
      }
      try state.file?.write(bytes)
      state.count += 1
    }
    withExtendedLifetime(out) {}
  }
}
