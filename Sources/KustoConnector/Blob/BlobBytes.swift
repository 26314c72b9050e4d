// Role: reads ranges of a blob. Small reads, such as footers and page headers, are answered out of blocks that are fetched whole and kept for a
// while; large ones go to the service as they are, in pieces of bounded size.

import DataSource
import FileConnector
import Synchronization

/// The content of one blob, of the version that was found.
final class BlobBytes: RemoteBytes {
  private let client: BlobClient
  private let object: StoredObject
  private struct Kept {
    /// By block number; the oldest use first in `order`.
    var blocks: [Int: [UInt8]] = [:]
    var order: [Int] = []
  }
  private let kept = Mutex(Kept())

  private static let blockSize = 1 << 18
  private static let keptBlocks = 32
  /// Bytes asked for in one request.
  private static let pieceSize = 16 << 20

  init(_ client: BlobClient, _ object: StoredObject) {
    self.client = client
    self.object = object
  }

  var size: Int { object.size }

  func pread(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws -> Int {
    let count = max(0, min(buffer.count, object.size - offset))
    var done = 0
    while done < count {
      let from = offset + done
      let left = count - done
      let piece: ArraySlice<UInt8>
      if left >= Self.blockSize {
        piece = try fetch(from..<from + min(left, Self.pieceSize))[...]
      } else {
        let number = from / Self.blockSize
        let block = try block(number)
        let start = from - number * Self.blockSize
        piece = block[start..<min(block.count, start + left)]
      }
      guard !piece.isEmpty else { break }
      // SAFETY: the target has `count - done` bytes left, and the piece has at most as many.
      unsafe piece.withUnsafeBytes { bytes in unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + bytes.count]).copyMemory(from: bytes) }
      done += piece.count
    }
    return done
  }

  private func block(_ number: Int) throws -> [UInt8] {
    let found = kept.withLock { kept -> [UInt8]? in
      guard let block = kept.blocks[number] else { return nil }
      kept.order.removeAll { $0 == number }
      kept.order.append(number)
      return block
    }
    if let found { return found }
    let start = number * Self.blockSize
    let block = try fetch(start..<min(object.size, start + Self.blockSize))
    kept.withLock { kept in
      guard kept.blocks.updateValue(block, forKey: number) == nil else { return }
      kept.order.append(number)
      if kept.order.count > Self.keptBlocks { kept.blocks[kept.order.removeFirst()] = nil }
    }
    return block
  }

  /// The bytes of a range that is not empty and lies in the blob.
  private func fetch(_ range: Range<Int>) throws -> [UInt8] {
    // The form of the name that all signers agree upon.
    var headers = [("x-ms-range", "bytes=\(range.lowerBound)-\(range.upperBound - 1)")]
    if !object.tag.isEmpty { headers.append(("If-Match", object.tag)) }
    let answer = try client.send("GET", object.name, headers: headers)
    if answer.status == 206, answer.body.count == range.count { return answer.body }
    if answer.status == 200, range.upperBound <= answer.body.count { return Array(answer.body[range]) }
    throw KConnectError(
      .http, "'\(client.shown)/\(object.name)', byte \(range.lowerBound): \(answer.body.count) bytes came, expected \(range.count)", isRetryable: true)
  }
}
