// Role: the file that lists malformed records, one JSON object a line: file, line, offset, reason, record. One per path and process; a run
// starts it anew.

#if canImport(Glibc)
import Glibc
#endif
import CSV
import Columnar
import DataSource
import Synchronization

final class BadRecordsFile: Sendable {
  private struct State: ~Copyable {
    var descriptor: Int32
  }

  private let path: String
  private let state: Mutex<State>
  private static let open = Mutex<[String: WeakFile]>([:])

  /// The shared writers are kept as long as a scan uses them.
  private final class WeakFile: @unchecked Sendable {  // only touched under the lock of `open`
    weak var file: BadRecordsFile?
    init(_ file: BadRecordsFile) { self.file = file }
  }

  /// The writer of a path: the one in use, or a new one that empties the file.
  static func shared(_ path: String) throws -> BadRecordsFile {
    try open.withLock { files in
      if let file = files[path]?.file { return file }
      let file = try BadRecordsFile(path)
      files[path] = WeakFile(file)
      return file
    }
  }

  private init(_ path: String) throws {
    self.path = path
    let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemError.make("cannot create the bad-records file", path, errno) }
    state = Mutex(State(descriptor: descriptor))
  }

  deinit { state.withLock { _ = close($0.descriptor) } }

  /// Appends records of `file`.
  func append(_ records: [CSVBadRecord], file: String) throws {
    let out = BufferBuilder<UInt8>(capacity: 256 * records.count)
    func raw(_ text: String) {
      var text = text
      text.withUTF8 { unsafe out.append(contentsOf: $0) }
    }
    func string(_ text: String) {
      var text = text
      text.withUTF8 { unsafe DynamicPrinter.string($0, out) }
    }
    for record in records {
      raw("{\"file\":")
      string(file)
      raw(",\"line\":\(record.line),\"offset\":\(record.byteOffset),\"reason\":")
      string(record.reason)
      raw(",\"record\":")
      string(String(decoding: record.text, as: UTF8.self))
      raw("}\n")
    }
    try state.withLock { state in
      var done = 0
      while done < out.count {
        let n = unsafe write(state.descriptor, out.pointer + done, out.count - done)
        if n < 0 {
          if errno == EINTR { continue }
          throw SystemError.make("cannot write the bad-records file", path, errno)
        }
        done += n
      }
    }
  }
}
