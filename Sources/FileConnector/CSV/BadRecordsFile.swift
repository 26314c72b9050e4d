// Role: the file that lists malformed records, one JSON object a line: file, line, offset, reason, record. One per path and process; the
// first scan of a run starts it anew. Nothing but such a list is ever replaced.

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
    var isStarted = false
  }

  private let path: String
  private let state: Mutex<State>
  private static let open = Mutex<[String: WeakFile]>([:])

  /// The shared writers are kept as long as a scan uses them.
  private final class WeakFile: @unchecked Sendable {  // only touched under the lock of `open`
    weak var file: BadRecordsFile?
    init(_ file: BadRecordsFile) { self.file = file }
  }

  /// The writer of a path: the one in use, or a new one. Throws OPTION_INVALID for the path of an input, ALREADY_EXISTS for a file of other content.
  // SAFETY: the paths are copied for the calls, which fill live variables.
  static func shared(_ path: String, inputs: [FileEntry] = []) throws -> BadRecordsFile {
    var own = stat()
    if unsafe stat(path, &own) == 0 {
      for input in inputs {
        var other = stat()
        guard case .local(let place) = input.source, unsafe stat(place, &other) == 0, other.st_ino == own.st_ino, other.st_dev == own.st_dev else { continue }
        throw KConnectError(.optionInvalid, "option 'badRecordsPath': '\(path)' is an input of this read", hint: "name a file of its own")
      }
    }
    return try open.withLock { files in
      if let file = files[path]?.file { return file }
      let file = try BadRecordsFile(path)
      files[path] = WeakFile(file)
      return file
    }
  }

  // SAFETY: the path is copied for the call.
  private init(_ path: String) throws {
    self.path = path
    let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw SystemError.make("cannot create the bad-records file", path, errno) }
    guard Self.isReplaceable(descriptor) else {
      close(descriptor)
      throw KConnectError(.alreadyExists, "option 'badRecordsPath': '\(path)' exists and is no list of malformed records", hint: "name another file, or move that one away")
    }
    state = Mutex(State(descriptor: descriptor))
  }

  /// Empty, a list of an earlier run, or a device or pipe.
  // SAFETY: the calls fill a live variable, and at most the array's bytes.
  private static func isReplaceable(_ descriptor: Int32) -> Bool {
    var info = stat()
    guard unsafe fstat(descriptor, &info) == 0 else { return false }
    if info.st_mode & S_IFMT != S_IFREG || info.st_size == 0 { return true }
    var head = [UInt8](repeating: 0, count: beginning.utf8.count)
    let n = unsafe head.withUnsafeMutableBytes { unsafe pread(descriptor, $0.baseAddress, $0.count, 0) }
    return n == head.count && head.elementsEqual(beginning.utf8)
  }

  private static let beginning = "{\"file\":"

  /// Empties the list at the first scan of the run.
  func start() throws {
    try state.withLock { state in
      guard !state.isStarted else { return }
      state.isStarted = true
      if ftruncate(state.descriptor, 0) != 0, errno != EINVAL { throw SystemError.make("cannot empty the bad-records file", path, errno) }
    }
  }

  deinit { state.withLock { _ = close($0.descriptor) } }

  /// Appends records of `file`; `start` came before.
  // SAFETY: texts are copied while they live; `done` stays below the count of `out`, which the loop keeps.
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
      raw(Self.beginning)
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
