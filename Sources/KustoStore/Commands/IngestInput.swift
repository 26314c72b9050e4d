// Role: where the bytes of an ingestion are: in files, or in memory as they came over the network.

import Columnar
import DataSource
import FileConnector

/// The bytes to ingest.
package enum IngestInput: Sendable {
  /// Paths and addresses.
  case files([String])
  /// Bodies of requests, not compressed.
  case bodies([[UInt8]])

  /// The same, each body for itself.
  var parts: [IngestInput] {
    if case .bodies(let bodies) = self, bodies.count > 1 { return bodies.map { .bodies([$0]) } }
    return [self]
  }

  /// What messages call it.
  var name: String {
    switch self {
    case .files(let paths): paths.first ?? ""
    case .bodies: "request body"
    }
  }
}

/// Bytes in memory as an input with random access.
private final class BodyBytes: RemoteBytes {
  private let bytes: [UInt8]
  var size: Int { bytes.count }

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func pread(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
    let n = max(0, min(buffer.count, bytes.count - offset))
    guard n > 0 else { return 0 }
    // SAFETY: `n` bytes lie behind `offset` in the array, and in the buffer.
    unsafe bytes.withUnsafeBytes { unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + n])) }
    return n
  }
}

extension IngestFormat {
  /// The reader of the format over an input; of several bodies only the first.
  func open(_ input: IngestInput, schema: StructType?, _ extra: [(String, String)]) throws -> any BatchReadable {
    switch input {
    case .files(let paths): return try open(paths, schema: schema, extra)
    case .bodies(let bodies):
      let reader = try reader
      return try reader.format.open(InputFile(remote: BodyBytes(bodies.first ?? []), path: input.name), schema: schema, options: checked(extra, for: reader))
    }
  }
}
