// Role: a request and the way its reply goes, without any HTTP library: what the handler sees, and what tests make by hand.

package import Columnar
import DataSource
package import KustoStore

/// The bytes of a request's body, front to back.
package protocol RequestBytes: AnyObject, Sendable {
  /// Nothing more has to come.
  var isWhole: Bool { get }
  /// The next bytes; nil at the end. Blocks. Throws when the client went away, and 408 at the moment `deadline` of `Deadlines.now`; nil: never.
  func read(until deadline: Int?) throws -> [UInt8]?
}

/// One request.
package struct ServerRequest: Sendable {
  package var method: String
  /// As sent: percent-encoded, without the query.
  package var path: String
  /// Behind the question mark, as sent; empty when there is none.
  package var query: String
  /// In the order sent, the names in lower case.
  package private(set) var headers: [(name: String, value: String)]
  package var body: any RequestBytes
  /// Who connected: an address without port.
  package var peer = "-"
  package var isSecure = false
  /// What makes it no request of HTTP: it is answered 400 with these words.
  package var fault: String?
  /// Cancelled when the client goes away.
  package var cancellation = RequestCancellation()

  package init(method: String, target: String, headers: [(name: String, value: String)] = [], body: any RequestBytes) {
    self.method = method
    let end = target.firstIndex(of: "?")
    path = end.map { String(target[..<$0]) } ?? target
    query = end.map { String(target[target.index(after: $0)...]) } ?? ""
    self.headers = headers.map { ($0.name.lowercased(), $0.value) }
    self.body = body
  }

  /// The first header of that lower-case name.
  package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// The decoded value of a query parameter, whatever the case of its name.
  package func parameter(_ name: String) -> String? {
    let wanted = name.lowercased()
    for part in query.split(separator: "&") {
      let equals = part.firstIndex(of: "=") ?? part.endIndex
      guard percentDecoded(part[..<equals]).lowercased() == wanted else { continue }
      let value = equals == part.endIndex ? "" : part[part.index(after: equals)...]
      return percentDecoded(value.utf8.contains(UInt8(ascii: "+")) ? value.replacing("+", with: "%20") : value)
    }
    return nil
  }

  /// The decoded segments of the path; doubled slashes count once.
  package var segments: [String] { path.split(separator: "/", omittingEmptySubsequences: true).map { percentDecoded($0) } }

  /// The address under which the client reached the server: `http://host:port`.
  package var endpoint: String {
    let host = header("host") ?? header(":authority") ?? "localhost"
    let isClean = !host.isEmpty && host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    return (isSecure ? "https://" : "http://") + (isClean ? host : "localhost")
  }
}

/// A body that is all there.
package final class MemoryBytes: RequestBytes {
  private let bytes: Guarded<[UInt8]?>

  package init(_ bytes: [UInt8] = []) { self.bytes = Guarded(bytes.isEmpty ? nil : bytes) }

  package var isWhole: Bool { true }

  package func read(until deadline: Int?) -> [UInt8]? {
    bytes.withLock { bytes in
      defer { bytes = nil }
      return bytes
    }
  }
}

/// Status and headers of a reply.
package struct ReplyHead: Sendable {
  package var status: Int
  package var headers: [(name: String, value: String)]
  /// Known length of the body; nil: it ends when it ends.
  package var length: Int?

  package init(_ status: Int, _ headers: [(name: String, value: String)] = [], length: Int? = nil) {
    self.status = status
    self.headers = headers
    self.length = length
  }
}

/// Where a reply goes. Calls block while the client is slow and throw CANCELLED when it went away.
package protocol ReplyWriter: AnyObject {
  func start(_ head: ReplyHead) throws
  func write(_ bytes: Buffer<UInt8>) throws
}

/// A whole reply.
package struct Reply: Sendable {
  package var head: ReplyHead
  package var body: [UInt8]

  package init(_ status: Int, _ headers: [(name: String, value: String)] = [], _ body: [UInt8] = []) {
    head = ReplyHead(status, headers, length: body.count)
    self.body = body
  }

  package init(_ status: Int, type: String, _ text: String, _ headers: [(name: String, value: String)] = []) {
    self.init(status, [("Content-Type", type)] + headers, Array(text.utf8))
  }

  static func json(_ status: Int, _ text: String) -> Reply { Reply(status, type: "application/json", text) }
}
