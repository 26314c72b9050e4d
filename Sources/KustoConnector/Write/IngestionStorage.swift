// Role: parts into containers and messages into queues, with signatures in the addresses. Blobs are sent again after failures: the same name with
// the same bytes is the same blob. A message that is posted twice is two messages.
// Source: Azure Blob "Put Blob", "Put Block", "Put Block List"; Queue "Put Message".

import Columnar
import DataSource
import KustoWire

struct IngestionStorage: Sendable {
  let client: ClusterClient
  /// Larger parts go up in blocks.
  private static let blockBytes = 32 << 20

  /// Puts a blob and answers its address with the container's signature.
  func put(_ bytes: [UInt8], name: String, container: String) throws -> String {
    let url = Self.address(container, "/" + FormText.encoded(name))
    if bytes.count <= Self.blockBytes {
      try send("PUT", url, [("x-ms-blob-type", "BlockBlob"), ("Content-Type", "application/octet-stream")], bytes)
      return url
    }
    var ids: [String] = []
    var start = 0
    while start < bytes.count {
      let end = min(bytes.count, start + Self.blockBytes)
      let number = "\(ids.count)"
      let id = Base64.text(Array((String(repeating: "0", count: 6 - number.utf8.count) + number).utf8))
      try send("PUT", Self.query(url, "comp=block&blockid=" + FormText.encoded(id)), [("Content-Type", "application/octet-stream")], Array(bytes[start..<end]))
      ids.append(id)
      start = end
    }
    let list = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>" + ids.map { "<Latest>\($0)</Latest>" }.joined() + "</BlockList>"
    try send("PUT", Self.query(url, "comp=blocklist"), [("Content-Type", "application/xml")], Array(list.utf8))
    return url
  }

  /// Removes a blob that nobody needs any more, where the signature allows it: the service removes what stays some time later. False when there was
  /// no answer.
  @discardableResult
  func remove(_ url: String) -> Bool {
    var request = HTTPRequest("DELETE", url, headers: [("x-ms-version", "2021-12-02"), ("x-ms-date", HTTPDate.text(client.retry.clock.nowTicks))])
    request.timeoutMilliseconds = 10_000
    // SAFETY: no receiver, so no pointer is handed over.
    return (try? unsafe client.transport.send(request, receive: nil)) != nil
  }

  /// Posts a message. `isRepeatable`: what it asks for happens once, however often it is there; else it is sent again only after refusals.
  func post(_ json: String, queue: String, isRepeatable: Bool) throws {
    let body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><QueueMessage><MessageText>\(Base64.text(Array(json.utf8)))</MessageText></QueueMessage>"
    try send("POST", Self.address(queue, "/messages"), [("Content-Type", "application/xml")], Array(body.utf8), isRepeatable: isRepeatable)
  }

  /// The address with a path put behind its own, before the signature.
  private static func address(_ root: String, _ path: String) -> String {
    let cut = root.firstIndex(of: "?") ?? root.endIndex
    var base = String(root[..<cut])
    while base.hasSuffix("/") { base.removeLast() }
    return base + path + root[cut...]
  }

  private static func query(_ url: String, _ part: String) -> String {
    guard let mark = url.firstIndex(of: "?") else { return url + "?" + part }
    return url[..<mark] + "?" + part + "&" + url[url.index(after: mark)...]
  }

  private func send(_ method: String, _ url: String, _ headers: [(name: String, value: String)], _ body: [UInt8], isRepeatable: Bool = true) throws {
    try client.retry.run(when: { isRepeatable || RequestFailure.isRefusal($0) }) { _ in
      var request = HTTPRequest(method, url, headers: headers + [("x-ms-version", "2021-12-02"), ("x-ms-date", HTTPDate.text(client.retry.clock.nowTicks))], body: body)
      request.timeoutMilliseconds = 600_000
      request.isRepeatable = isRepeatable
      // SAFETY: no receiver, so no pointer is handed over.
      let response = try unsafe client.transport.send(request, receive: nil)
      if (200..<300).contains(response.status) { return }
      let text = String(decoding: response.body.prefix(300), as: UTF8.self)
      let failure = RequestFailure(
        status: response.status, service: ServiceError(message: text), retryAfterMilliseconds: RetryPolicy.retryAfter(response.headers["retry-after"], nowTicks: client.retry.clock.nowTicks))
      throw failure.publicError(doing: request.shownURL)
    }
  }
}
