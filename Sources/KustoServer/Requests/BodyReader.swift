// Role: bodies into memory or into a temporary file, with a bound on their size, also of what compressed bytes become.

import Codecs
import Columnar
import DataSource
import FileConnector
import KustoStore
import KustoWire

#if canImport(Glibc)
import Glibc
#endif

extension ServerRequest {
  /// Throws 413 when the length is announced and too large.
  private func checkLength(_ limit: Int) throws {
    if let length = header("content-length").flatMap({ Int($0) }), length > limit { throw WireError.tooLarge(limit) }
  }

  /// The whole body, inflated when it is compressed. Throws 413 beyond `limit` bytes, before inflation and after it. `onBytes` hears how many there
  /// are, before they are held. `seconds`: how long it may take to come; nil: as long as the client keeps to its least rate.
  func bodyInMemory(limit: Int, within seconds: Int? = nil, onBytes: (Int) throws -> Void = { _ in }) throws -> [UInt8] {
    try checkLength(limit)
    let deadline = seconds.map { Deadlines.now + $0 * 1_000 }
    var bytes: [UInt8] = []
    while let part = try body.read(until: deadline) {
      guard bytes.count + part.count <= limit else { throw WireError.tooLarge(limit) }
      try onBytes(bytes.count + part.count)
      if bytes.isEmpty { bytes = part } else { bytes += part }
    }
    guard let format = Self.compression(bytes) else { return bytes }
    guard let whole = try Self.inflated(bytes, format, limit: limit) else { throw WireError.tooLarge(limit) }
    try onBytes(whole.count)
    return whole
  }

  /// The whole body, for readers of files: inflated in memory where it has at most `held` bytes then, else as it came in a file of `directory`.
  /// Throws 413 beyond `limit` bytes, and beyond `inflated` after inflation. `seconds` and `onBytes` as above; what is in a file is not told of.
  func bodyOfRows(
    limit: Int, inflated most: Int, held: Int, _ directory: String, within seconds: Int, onBytes: (Int) throws -> Void
  ) throws -> ReceivedBody {
    try checkLength(limit)
    let deadline = Deadlines.now + seconds * 1_000
    var bytes: [UInt8] = []
    var file: ReceivedFile?
    while let part = try body.read(until: deadline) {
      guard (file?.count ?? bytes.count) + part.count <= limit else { throw WireError.tooLarge(limit) }
      if file == nil, bytes.count + part.count > held {
        file = try ReceivedFile(directory, bytes.isEmpty ? part : bytes)
        try file?.append(bytes)
        bytes = []
      }
      if let file {
        try file.append(part)
      } else {
        try onBytes(bytes.count + part.count)
        if bytes.isEmpty { bytes = part } else { bytes += part }
      }
    }
    if file == nil {
      guard let format = Self.compression(bytes) else { return .memory(bytes) }
      if let whole = try Self.inflated(bytes, format, limit: min(held, most)) {
        try onBytes(whole.count)
        return .memory(whole)
      }
      file = try ReceivedFile(directory, bytes)
      try file?.append(bytes)
    }
    guard let file else { return .memory(bytes) }
    try file.close()
    try ReceivedFile.checkInflation(file.path, limit: most)
    return .file(file)
  }

  private static func compression(_ bytes: [UInt8]) -> StreamFormat? {
    // SAFETY: the array's bytes live for the call.
    unsafe bytes.withUnsafeBytes { unsafe StreamFormat.detect($0) }
  }

  /// Nil when there are more than `limit` bytes.
  private static func inflated(_ bytes: [UInt8], _ format: StreamFormat, limit: Int) throws -> [UInt8]? {
    do {
      let decompressor = try StreamDecompressor(format)
      var out: [UInt8] = []
      var at = 0
      var space = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        // SAFETY: both arrays live through the call.
        let progress = try unsafe bytes.withUnsafeBytes { input in
          try unsafe space.withUnsafeMutableBytes { try unsafe decompressor.feed(UnsafeRawBufferPointer(rebasing: input[at...]), into: $0) }
        }
        at += progress.consumed
        if out.count + progress.produced > limit { return nil }
        out += space[..<progress.produced]
        if at == bytes.count, progress.produced < space.count {
          try decompressor.finish()
          return out
        }
      }
    } catch let error as CodecError { throw KConnectError(.usage, "the request's body is damaged \(format): \(error)") }
  }

  /// The body in a file of `directory`, as it came, on the disk. Throws 413 beyond `limit` bytes, 400 where the request tells another digest.
  func bodyInFile(_ directory: String, extension ending: String, limit: Int) throws -> ReceivedFile {
    try checkLength(limit)
    var next = try body.read(until: nil)
    // Readers go by the name.
    let received = try ReceivedFile(directory, extension: ending + ReceivedFile.compression(next ?? []))
    var digests = try BodyDigests(self)
    while let part = next {
      try digests.add(part)
      guard received.count + part.count <= limit else { throw WireError.tooLarge(limit) }
      try received.append(part)
      next = try body.read(until: nil)
    }
    try digests.check()
    try received.sync()
    try received.close()
    return received
  }
}

extension WireError {
  static let slowBody = WireError(
    status: 408, code: "RequestTimeout", type: "KustoRequestDeniedException", detail: "The request's body did not come in the time that a request has", isPermanent: false)

  static func tooLarge(_ limit: Int) -> WireError {
    WireError(
      status: 413, code: "PayloadTooLarge", type: "KustoPayloadTooLargeException", detail: "The request's body is larger than \(limit) bytes, the most that is taken here",
      isPermanent: true)
  }
}

/// A body that is all there.
enum ReceivedBody {
  case memory([UInt8])
  /// As it came, maybe compressed.
  case file(ReceivedFile)
}

/// Bytes from the network in a file that goes when nobody holds it any more.
final class ReceivedFile {
  let path: String
  private let file: OutputFile
  private(set) var count = 0
  private var isKept = false

  init(_ directory: String, extension ending: String) throws {
    path = joinPath(directory, "received-\(randomIdentifier()).\(ending)")
    file = try OutputFile(creating: path)
  }

  /// A file of rows that begin so: readers go by the name, which tells how they are compressed.
  convenience init(_ directory: String, _ head: [UInt8]) throws {
    // SAFETY: the array's bytes live for the call.
    let format = unsafe head.withUnsafeBytes { unsafe StreamFormat.detect($0) }
    try self.init(directory, extension: "rows" + (format?.suffix ?? ""))
  }

  deinit { if !isKept { _ = FileSystem.system.remove(path) } }

  func append(_ bytes: [UInt8]) throws {
    // SAFETY: the bytes live through the call.
    try unsafe bytes.withUnsafeBytes { try unsafe file.write($0) }
    count += bytes.count
  }

  func close() throws { try file.close() }

  /// Makes the bytes outlive the process.
  func sync() throws { try file.sync() }

  /// The file has another owner now.
  func keep() { isKept = true }

  /// The ending that names of compressed files have, by their first bytes; empty for others.
  static func compression(_ head: [UInt8]) -> String {
    head.starts(with: [0x1F, 0x8B]) ? ".gz" : head.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) ? ".zst" : ""
  }

  /// Another name for a file whose own does not say that it is compressed, in `directory`; nil when the own name will do.
  static func alias(of path: String, in directory: String) throws -> Alias? {
    var head: [UInt8] = []
    try BlobStore.copy(path, from: 0, count: 4) { head += $0 }
    let ending = compression(head)
    return ending.isEmpty || path.hasSuffix(ending) ? nil : try Alias(path, joinPath(directory, "received-\(randomIdentifier())\(ending)"))
  }

  /// A second name of a file; goes when nobody holds it any more.
  final class Alias: Sendable {
    let path: String

    fileprivate init(_ target: String, _ path: String) throws {
      self.path = path
      try SystemError.check(FileSystem.system.link(target, path), "cannot name", path)
    }

    deinit { _ = FileSystem.system.remove(path) }
  }

  /// Throws 413 when the file is compressed and becomes more than `limit` bytes.
  static func checkInflation(_ path: String, limit: Int) throws {
    let stream = try ByteStream(try InputFile(path: path))
    guard stream.isCompressed else { return }
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { unsafe room.deallocate() }
    var total = 0
    while true {
      // SAFETY: `room` is writable as a whole.
      let n = try unsafe stream.read(into: room)
      total += n
      if total > limit { throw WireError.tooLarge(limit) }
      if n < room.count { return }
    }
  }
}
