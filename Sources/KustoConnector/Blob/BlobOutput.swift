// Role: writes a blob as blocks that nobody sees, and commits the list of them: one request makes the whole blob visible. Uncommitted blocks
// vanish by themselves after a week.

import Columnar
import DataSource
import FileConnector

/// A blob under construction.
final class BlobOutput: ObjectOutput, @unchecked Sendable {  // one writer at a time, by the contract of RemoteOutput
  private let client: BlobClient
  private let name: String
  private let replacement: ObjectReplacement
  private var pending: [UInt8] = []
  private var blocks: [String] = []
  /// Tells our blocks from those of another writer of the same blob.
  private let identifier = String(randomIdentifier().filter { $0 != "-" }.prefix(16))

  /// 50,000 blocks of 8 MiB are 390 GiB; beyond that blocks grow.
  private static let blockSize = 8 << 20
  private static let limit = 50_000

  init(_ client: BlobClient, _ name: String, _ replacement: ObjectReplacement) {
    self.client = client
    self.name = name
    self.replacement = replacement
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = unsafe bytes[...]
    while unsafe !rest.isEmpty {
      let size = blocks.count < 40_000 ? Self.blockSize : Self.blockSize * 8
      let n = unsafe min(rest.count, size - pending.count)
      // SAFETY: the bytes live for the call and are copied.
      unsafe pending.append(contentsOf: rest.prefix(n))
      unsafe rest = unsafe rest.dropFirst(n)
      if pending.count == size { try stage() }
    }
  }

  func finish() throws {
    if !pending.isEmpty { try stage() }
  }

  private func stage() throws {
    guard blocks.count < Self.limit else { throw KConnectError(.notSupported, "'\(client.shown)/\(name)': not supported: blobs of more than \(Self.limit) blocks") }
    let number = String(blocks.count)
    // Ids of one blob have the same length: 16 + 8 characters.
    let id = Base64.text(Array((identifier + String(repeating: "0", count: 8 - number.count) + number).utf8))
    _ = try client.send("PUT", name, query: [("comp", "block"), ("blockid", id)], body: pending)
    blocks.append(id)
    pending.removeAll(keepingCapacity: true)
  }

  func commit() throws {
    let list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>" + blocks.map { "<Latest>\($0)</Latest>" }.joined() + "</BlockList>"
    var headers = [("x-ms-blob-content-type", "application/octet-stream"), ("Content-Type", "application/xml")]
    switch replacement {
    case .replace: break
    case .fail: headers.append(("If-None-Match", "*"))
    }
    do {
      _ = try client.send("PUT", name, query: [("comp", "blocklist")], headers: headers, body: Array(list.utf8))
    } catch let error as KConnectError where error.code == .alreadyExists && isCommitted() {}
  }

  /// Whether the blob is of our blocks: what was put is there also when the answer was lost and the next attempt found it in its way.
  private func isCommitted() -> Bool {
    guard !blocks.isEmpty, let answer = try? client.send("GET", name, query: [("comp", "blocklist"), ("blocklisttype", "committed")]) else { return false }
    return XMLScanner.texts(of: ["Name"], in: answer.body) == blocks
  }

  func abort() { pending = [] }
}
