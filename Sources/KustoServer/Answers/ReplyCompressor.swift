// Role: gzip of a reply while it is sent, for clients that ask for it.

import Codecs
import Columnar
import DataSource

/// A reply's bytes through gzip, at the level that costs least. Used by the thread that answers.
final class ReplyCompressor {
  private let stream: StreamCompressor
  private var space = [UInt8](repeating: 0, count: 1 << 16)
  /// Bytes below which it is not worth it.
  static let least = 1_024

  init() throws {
    do { stream = try StreamCompressor(.gzip, level: 1) } catch { throw Self.failure(error) }
  }

  /// Compresses a part; `emit` gets what is ready.
  func feed(_ part: Buffer<UInt8>, _ emit: (Buffer<UInt8>) throws -> Void) throws {
    var at = 0
    while at < part.count {
      let progress: StreamDecompressor.Progress
      do {
        // SAFETY: both memories live through the call.
        progress = try unsafe part.withUnsafe { input in
          let rest = unsafe UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(input)[at...])
          return try unsafe space.withUnsafeMutableBytes { try unsafe stream.feed(rest, into: $0) }
        }
      } catch let error as CodecError { throw Self.failure(error) }
      at += progress.consumed
      if progress.produced > 0 { try emit(Buffer(Array(space[..<progress.produced]))) }
    }
  }

  /// The rest, after the last part.
  func finish(_ emit: (Buffer<UInt8>) throws -> Void) throws {
    var isComplete = false
    while !isComplete {
      let produced: Int
      do {
        // SAFETY: the memory lives through the call.
        (produced, isComplete) = try unsafe space.withUnsafeMutableBytes { try unsafe stream.finish(into: $0) }
      } catch let error as CodecError { throw Self.failure(error) }
      if produced > 0 { try emit(Buffer(Array(space[..<produced]))) }
    }
  }

  private static func failure(_ error: CodecError) -> KConnectError { KConnectError(.internalError, "compressing a reply: \(error)") }

  /// Whether `Accept-Encoding` takes gzip: named, or by `*`, and not with a quality of 0.
  static func isWelcome(_ header: String?) -> Bool {
    guard let header else { return false }
    var any = false
    for item in header.split(separator: ",") {
      let parts = item.split(separator: ";").map { String($0.filter { $0 != " " && $0 != "\t" }).lowercased() }
      guard let name = parts.first else { continue }
      let isRefused = parts.dropFirst().contains { $0.hasPrefix("q=") && (Double($0.dropFirst(2)) ?? 1) == 0 }
      if name == "gzip" || name == "x-gzip" { return !isRefused }
      if name == "*" { any = !isRefused }
    }
    return any
  }
}
