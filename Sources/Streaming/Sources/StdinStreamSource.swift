// Role: standard input as a stream. What was read is put into the checkpoint before a batch is planned over it: a replay finds it there,
// though the pipe is gone. Pieces are cut at the ends of records; `sources/i/N-CRC.EXT` holds piece N until its batch is committed, and
// `sources/i/header-CRC` the first record of a file with a header.

#if canImport(Glibc)
import Glibc
#endif
import Codecs
package import Columnar
package import DataSource
package import Engine
package import FileConnector

package final class StdinStreamSource: MicroBatchSource {
  package static let specs: [OptionSpec] = [
    OptionSpec("maxBytesPerTrigger", .bytes, default: "8mb", use: .read, "Bytes in one batch; at least one record is taken.")
  ]

  /// How records stand in the input.
  package enum Form: Sendable {
    /// Lines of text: one column `value`.
    case lines
    /// Records of a file format, each a line but for line ends inside quotes.
    case records(FileProvider, DataSourceOptions)
  }

  private let form: Form
  private let provider: FileProvider
  private let readOptions: DataSourceOptions
  private let pieceBytes: Int
  private let descriptor: Int32
  private let fileSystem: FileSystem
  private let hasHeader: Bool
  private var scanner: RecordEnds
  private var header: [UInt8]?
  /// The first record that a run found, without its end.
  private var keptHeader: [UInt8]?
  private var notes: [String] = []
  private var pending: [UInt8] = []
  private var isAtEnd = false
  private var hasToldOfBytes = false
  private var directory = ""
  /// Pieces on disk: name by number.
  private var pieces: [Int: String] = [:]
  private var last = -1
  /// The end of the newest batch planned.
  private var planned = -1
  package let schema: StructType

  /// `json` reads the pieces of lines. Throws USAGE without a schema, OPTION_INVALID.
  package init(_ form: Form, json: FileProvider, schema: StructType?, maxBytes: Int?, descriptor: Int32 = 0, fileSystem: FileSystem = .system) throws {
    self.form = form
    self.descriptor = descriptor
    self.fileSystem = fileSystem
    pieceBytes = max(1, maxBytes ?? 8 << 20)
    switch form {
    case .lines:
      if schema != nil { throw KConnectError(.usage, "a schema was given for lines of text, which have the one column 'value'", hint: "name the format: csv:- or json:-") }
      provider = json
      readOptions = try DataSourceOptions(source: "stdin", specs: json.options, given: [], use: .read)
      self.schema = StructType([StructField("value", .string)])
      scanner = RecordEnds(quote: nil, escape: nil)
      hasHeader = false
    case .records(let format, let options):
      guard let schema else { throw KConnectError(.usage, "the columns of standard input are not known", hint: "give a schema, such as --schema 'a:long, b:string'") }
      self.schema = schema
      provider = format
      readOptions = options
      let isCSV = format.shortName == "csv"
      if isCSV, options.isGiven("lineSep"), options.string("lineSep").map({ !["\n", "\\n", "\r\n", "\\r\\n", ""].contains($0) }) ?? false {
        throw Self.otherEnds
      }
      scanner = isCSV ? RecordEnds(quote: options.byte("quote"), escape: options.byte("escape")) : RecordEnds(quote: nil, escape: nil)
      hasHeader = isCSV && options.bool("header")
    }
  }

  private static let otherEnds = KConnectError(
    .notSupported, "not supported yet: a stream of standard input whose records do not end with line feeds", hint: "make them line feeds: … | tr '\\r' '\\n' | kconnect stream …")

  package var description: String { "standard input" }
  package var identity: String {
    switch form {
    case .lines: "stdin:lines"
    case .records(let format, _): "stdin:\(format.shortName)"
    }
  }
  package var hasEnded: Bool? { isAtEnd && pending.isEmpty && planned >= last }

  package func takeNotes() -> [String] {
    defer { notes = [] }
    return notes
  }

  package func attach(_ checkpoint: Checkpoint, index: Int) throws {
    directory = try checkpoint.sourceLog(index).directory
    for name in try DirectoryReader.names(in: directory) {
      if hasHeader, name.hasPrefix("header-") { keptHeader = try trusted(name) }
      guard let number = name.split(separator: "-").first.flatMap({ Int($0) }) else { continue }
      pieces[number] = name
      last = max(last, number)
    }
  }

  private func number(_ offset: StreamOffset?) throws -> Int {
    guard let offset else { return -1 }
    guard let number = try offset.value().integer("spool") else {
      throw KConnectError(.checkpointConflict, "the offset \(offset) is not one of standard input", hint: "the checkpoint belongs to a query with another source")
    }
    return number
  }

  // MARK: Reading

  package func latestOffset(after start: StreamOffset?, _ admission: Admission) throws -> StreamOffset? {
    let from = try number(start)
    last = max(last, from)
    planned = max(planned, from)
    var readsAll = false
    if case .everything = admission { readsAll = true }
    // A piece that was put and never planned comes first.
    if last == from || readsAll {
      repeat {
        try fill()
        guard let piece = try cut() else { break }
        try spool(piece)
      } while readsAll
    }
    guard last > from, !readsAll || isAtEnd else { return start }
    planned = readsAll ? last : from + 1
    return StreamOffset(.object([("spool", .long(Int64(planned)))]))
  }

  /// Bytes of one record at most.
  private static let maxRecordBytes = 256 << 20

  /// Reads what is there, without waiting, up to a piece; more where that has no whole record.
  private func fill() throws {
    while !isAtEnd, pending.count < pieceBytes || scanner.lastEnd(pending) == 0 {
      guard pending.count < Self.maxRecordBytes else { throw KConnectError(.formatCorrupt, "standard input: a record has more than \(Self.maxRecordBytes >> 20) MiB") }
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      // SAFETY: the call fills the structure.
      guard unsafe poll(&poller, 1, 0) > 0 else { return }
      let room = 1 << 18
      // SAFETY: the buffer has `room` bytes; what was read is declared initialised.
      var code: Int32 = 0
      let bytes = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
        let n = unsafe read(descriptor, buffer.baseAddress, room)
        code = n < 0 ? errno : 0
        count = max(0, n)
      }
      if code == EINTR || code == EAGAIN { continue }
      guard code == 0 else { throw SystemError.make("cannot read", "standard input", code) }
      if bytes.isEmpty { isAtEnd = true }
      pending += bytes
    }
  }

  /// The whole records at the start of what was read; nil when there is none. The first record of a file with a header becomes that of every piece.
  private func cut() throws -> [UInt8]? {
    if hasHeader, header == nil {
      var first = RecordEnds(quote: scanner.quote, escape: scanner.escape)
      var end = first.firstEnd(pending)
      if end == nil, isAtEnd {
        // Or all rows would be taken for the header.
        if pending.dropLast().contains(0x0D) { throw Self.otherEnds }
        end = pending.count
      }
      guard let end else { return nil }
      if try isHeader(pending[..<end]) {
        pending.removeFirst(end)
        scanner = RecordEnds(quote: scanner.quote, escape: scanner.escape)
      }
    }
    let end = isAtEnd ? pending.count : scanner.lastEnd(pending)
    guard end > 0 else { return nil }
    let records = Array(pending[..<end])
    pending.removeFirst(end)
    scanner.restart()
    return (header ?? []) + records
  }

  /// Settles the header when the first record is there: true when that is the record itself. A run that goes on with the rest of a pipe finds
  /// none, and takes the one that the first run kept.
  private func isHeader(_ first: ArraySlice<UInt8>) throws -> Bool {
    if first.isEmpty { return true }
    let record = Self.withoutEnd(first)
    guard let kept = keptHeader else {
      try putDurably(Array(record), "header")
      header = Array(record) + [0x0A]
      return true
    }
    header = kept + [0x0A]
    if record.elementsEqual(kept) { return true }
    notes.append("standard input goes on without its header: the first record is read as data, in the columns of the first run")
    return false
  }

  private static func withoutEnd(_ record: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var record = record
    if record.last == 0x0A { record = record.dropLast() }
    if record.last == 0x0D { record = record.dropLast() }
    return record
  }

  /// Puts bytes under a name that says their checksum; answers it.
  @discardableResult
  private func putDurably(_ bytes: [UInt8], _ start: String, _ end: String = "") throws -> String {
    let name = "\(start)-\(Self.checksum(bytes))\(end)"
    guard try SmallFile.putDurably(bytes, name: name, in: directory, fileSystem) else { throw Checkpoint.secondWriter(joinPath(directory, name)) }
    return name
  }

  // SAFETY: the bytes live for the call.
  private static func checksum(_ bytes: [UInt8]) -> String { String(unsafe bytes.withUnsafeBytes { unsafe crc32Checksum($0) }, radix: 16) }

  /// The bytes of a file whose name says their checksum.
  private func trusted(_ name: String) throws -> [UInt8]? {
    let path = joinPath(directory, name)
    guard let bytes = try SmallFile.read(path) else { return nil }
    guard let sum = name.split(separator: "-", maxSplits: 1).last?.prefix(while: { $0 != "." }), sum == Self.checksum(bytes) else {
      throw KConnectError(.checkpointConflict, "'\(path)' cannot be trusted: its checksum does not match", hint: "restore it from a copy")
    }
    return bytes
  }

  /// Makes a piece durable.
  private func spool(_ piece: [UInt8]) throws {
    var bytes = piece
    if case .lines = form { bytes = lines(piece) }
    try Failpoint.pass("spool.before")
    let name = try putDurably(bytes, String(last + 1), ".\(provider.format.fileExtensions.first ?? "txt")")
    last += 1
    pieces[last] = name
    try Failpoint.pass("spool.after")
  }

  /// Lines of text as JSON records; those that are not UTF-8 as base64, as the kafka source gives such values.
  private func lines(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    var isForeign = false
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast(bytes.last == 0x0A ? 1 : 0) {
      let own = line.last == 0x0D ? line.dropLast() : line
      // SAFETY: the bytes live for the calls.
      let text = unsafe own.withUnsafeBufferPointer { bytes in
        if unsafe !isValidUTF8(bytes) { isForeign = true }
        return unsafe Base64.readable(bytes)
      }
      out += Array(DynamicValue.object([("value", .string(text))]).json.utf8)
      out.append(0x0A)
    }
    if isForeign, !hasToldOfBytes {
      hasToldOfBytes = true
      notes.append("standard input: lines that are not UTF-8 are given as base64")
    }
    return out
  }

  // MARK: Rows

  package func rows(after start: StreamOffset?, through end: StreamOffset) throws -> LogicalPlan {
    let first = try number(start) + 1, last = try number(end)
    var files: [FileEntry] = []
    for n in first..<(max(last, first - 1) + 1) {
      guard let name = pieces[n], let bytes = try trusted(name) else {
        throw KConnectError(.checkpointConflict, "piece \(n) of standard input is missing in '\(directory)'", hint: "restore the checkpoint from a copy")
      }
      let path = joinPath(directory, name)
      files.append(FileEntry(path: path, size: bytes.count, modified: 0, source: .local(path)))
    }
    planned = max(planned, last)
    return .scan(try provider.open(files: files, label: "standard input", schema: schema, options: readOptions))
  }

  package func commit(through end: StreamOffset) throws {
    let last = try number(end)
    for (n, name) in pieces where n <= last {
      _ = fileSystem.remove(joinPath(directory, name))
      pieces[n] = nil
    }
  }
}

/// Finds line ends that end a record: those outside quotes.
package struct RecordEnds {
  let quote: UInt8?
  let escape: UInt8?
  private var isQuoted = false
  private var isEscaped = false
  private var at = 0
  private var end = 0

  package init(quote: UInt8?, escape: UInt8?) {
    self.quote = quote
    // A quote that escapes itself closes and opens again: nothing to remember.
    self.escape = escape == quote ? nil : escape
  }

  /// Behind the last record that is whole; goes on where the last call stopped.
  package mutating func lastEnd(_ bytes: [UInt8]) -> Int {
    while at < bytes.count { if step(bytes[at]) { end = at } }
    return end
  }

  /// Behind the first record; nil when it is not whole.
  mutating func firstEnd(_ bytes: [UInt8]) -> Int? {
    while at < bytes.count { if step(bytes[at]) { return at } }
    return nil
  }

  /// What stood before `end` was taken away.
  mutating func restart() {
    at -= min(at, end)
    end = 0
  }

  /// Passes a byte; true when a record ends behind it.
  private mutating func step(_ byte: UInt8) -> Bool {
    at += 1
    if isEscaped {
      isEscaped = false
    } else if isQuoted, byte == escape {
      isEscaped = true
    } else if byte == quote {
      isQuoted.toggle()
    } else if byte == 0x0A, !isQuoted {
      return true
    }
    return false
  }
}
