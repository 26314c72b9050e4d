// Role: one request while it is answered: its ids, who asks, and what to say about it in errors and logs.

import DataSource
import KustoStore
import KustoWire
import Columnar

struct RequestScope: Sendable {
  let request: ServerRequest
  let startedOn: Int64
  let activityId: String
  /// As the client gave it, cleaned; else made up.
  let clientRequestId: String
  var principal: Principal?
  /// The query or command, once it is known.
  let text = Guarded<String?>(nil)
  /// Bytes of the body that are, or were, in memory.
  let bodyBytes = Guarded(0)

  init(_ request: ServerRequest) {
    self.request = request
    startedOn = StoreClock.nowTicks
    activityId = randomIdentifier()
    let given = request.header("x-ms-client-request-id").map { String(String.UnicodeScalarView($0.unicodeScalars.filter { $0.value >= 0x20 && $0.value < 0x7F }.prefix(256))) } ?? ""
    clientRequestId = given.isEmpty ? "unspecified;" + randomIdentifier() : given
  }

  func errorContext(database: String? = nil) -> ErrorContext {
    ErrorContext(clientRequestId: clientRequestId, activityId: activityId, timestamp: StoreClock.nowTicks, text: text.withLock { $0 }.map { RedactedText.redacted($0) }, database: database)
  }

  /// The properties under which the store works for this request.
  func properties(_ service: KustoService) -> RequestProperties {
    var properties = RequestProperties(requestId: clientRequestId)
    properties.principal = principal
    properties.application = request.header("x-ms-app").map { String($0.prefix(256)) } ?? "kconnect serve"
    properties.endpoint = request.endpoint
    properties.surroundings = service.externalFiles
    properties.cancellation = request.cancellation
    return properties
  }
}

/// A reply that counts, knows whether it began, and adds what every reply has.
final class CountedReply {
  private let target: any ReplyWriter
  private let common: [(name: String, value: String)]
  private(set) var status = 0
  private(set) var bytes = 0
  /// HEAD: the body stays here.
  private let isBodyless: Bool
  private let acceptsGzip: Bool
  private var compressor: ReplyCompressor?
  /// Parts that the client is to see as soon as they are there: compression would hold them back.
  var isProgressive = false

  init(_ target: any ReplyWriter, common: [(name: String, value: String)], _ request: ServerRequest) {
    self.target = target
    self.common = common
    isBodyless = request.method == "HEAD"
    acceptsGzip = ReplyCompressor.isWelcome(request.header("accept-encoding"))
  }

  var hasStarted: Bool { status != 0 }

  func start(_ head: ReplyHead) throws {
    status = head.status
    var head = head
    head.headers += common
    if Self.isText(head), !isBodyless {
      head.headers.append(("Vary", "Accept-Encoding"))
      if acceptsGzip, !isProgressive, head.length.map({ $0 >= ReplyCompressor.least }) ?? true {
        compressor = try ReplyCompressor()
        head.headers.append(("Content-Encoding", "gzip"))
        head.length = nil
      }
    }
    try target.start(head)
  }

  /// Answers and pages; not blobs, whose bytes are their own.
  private static func isText(_ head: ReplyHead) -> Bool {
    head.headers.contains { $0.name == "Content-Type" && ($0.value.hasPrefix("application/json") || $0.value.hasPrefix("text/")) }
  }

  func write(_ part: Buffer<UInt8>) throws {
    if isBodyless || part.count == 0 { return }
    if let compressor { try compressor.feed(part, pass) } else { try pass(part) }
  }

  private func pass(_ part: Buffer<UInt8>) throws {
    bytes += part.count
    try target.write(part)
  }

  /// The reply is whole.
  func finish() throws { try compressor?.finish(pass) }

  func send(_ reply: Reply) throws {
    try start(reply.head)
    try write(Buffer(reply.body))
  }
}
