// Role: HTTP and TLS over Hummingbird: connections in, requests to the service, replies out. The only file that knows the library. Each request
// has a thread while it is answered: nothing of the engine runs on event loops or on the cooperative pool.

import Columnar
import DataSource
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import KConnect
import KustoStore
import Logging
import NIOCore
import NIOSSL
import UnixSignals

/// Where a server listens.
package struct ListenAddress: Sendable {
  package var host: String
  /// 0: any that is free.
  package var port: Int
  package var certificatePath: String?
  package var keyPath: String?
  /// Seconds a connection may be silent, between requests and inside one, until the head of a request is there, and until something is taken of
  /// an answer that waits.
  package var idleTimeout = 120
  /// Connections at a time; more wait until others end.
  package var maxConnections = 4_096

  /// `HOST:PORT`, `[IPv6]:PORT`, `PORT`, `HOST`. Throws USAGE.
  package init(_ text: String) throws {
    var host = text[...], port = Substring("8080")
    if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
      host = text[text.index(after: text.startIndex)..<close]
      let rest = text[text.index(after: close)...]
      if rest.hasPrefix(":") { port = rest.dropFirst() } else if !rest.isEmpty { port = "" }
    } else if let colon = text.lastIndex(of: ":"), text.firstIndex(of: ":") == colon {
      host = text[..<colon]
      port = text[text.index(after: colon)...]
    } else if Int(text) != nil {
      host = "127.0.0.1"
      port = text[...]
    }
    guard let number = Int(port), (0...65_535).contains(number), !host.isEmpty else {
      throw KConnectError(.usage, "--listen: found '\(text)', expected HOST:PORT", hint: "as in 127.0.0.1:8080, [::1]:8080 or 0.0.0.0:443")
    }
    self.host = String(host)
    self.port = number
  }

  /// Only this machine reaches it.
  package var isLoopback: Bool { URLParts("http://" + (host.contains(":") ? "[\(host)]" : host))?.isLoopback ?? false }
}

package enum HTTPServer {
  /// Serves until SIGTERM or SIGINT; running requests are finished. `onListening` gets the address as a URL. Throws IO when the address is not free,
  /// CONFIGURATION for certificates that cannot be read.
  package static func run(_ service: KustoService, _ address: ListenAddress, onListening: @escaping @Sendable (String) -> Void) async throws {
    let departures = Departures()
    let idleTimeout = address.idleTimeout
    let isRefused: @Sendable (HTTPRequest) -> Bool = { service.refusesLength(of: ServerRequest($0, body: MemoryBytes())) }
    let http = HTTP1Channel.Configuration(
      additionalChannelHandlers: [VersionHandler(), SlowClientHandler(seconds: idleTimeout), DepartureHandler(departures), ExpectationHandler(isRefused: isRefused)],
      idleTimeout: .seconds(Int64(address.idleTimeout)))
    var server = HTTPServerBuilder.http1(configuration: http)
    let scheme = address.certificatePath == nil ? "http" : "https"
    if let certificate = address.certificatePath { server = try .tls(server, tlsConfiguration: try tls(certificate, key: address.keyPath ?? certificate)) }
    var logger = Logger(label: "kconnect-server")
    logger.logLevel = .error
    let shown = address.host.contains(":") ? "[\(address.host)]" : address.host
    let application = Application(
      responder: ServiceResponder(service: service, departures: departures, isSecure: address.certificatePath != nil, idleTimeout: idleTimeout), server: server,
      configuration: .init(address: .hostname(address.host, port: address.port), serverName: "KConnect", availableConnectionsDelegate: MaximumAvailableConnections(address.maxConnections)),
      onServerRunning: { channel in onListening("\(scheme)://\(shown):\(channel.localAddress?.port ?? address.port)") }, logger: logger)
    do {
      try await application.runService(gracefulShutdownSignals: [.sigterm, .sigint])
    } catch let error as IOError {
      throw KConnectError(.io, "cannot listen on \(shown):\(address.port): \(error)", hint: "choose another address with --listen HOST:PORT")
    }
  }

  private static func tls(_ certificate: String, key: String) throws -> TLSConfiguration {
    do {
      let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
      let secret = try NIOSSLPrivateKey(file: key, format: .pem)
      return TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(secret))
    } catch {
      throw KConnectError(.configuration, "cannot use the certificate '\(certificate)' with the key '\(key)': \(error)", hint: "both are PEM files: --tls-certificate and --tls-key")
    }
  }
}

/// What the service needs of a connection.
private struct ConnectionContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    channel = source.channel
  }
}

extension ServerRequest {
  fileprivate init(_ head: HTTPRequest, body: any RequestBytes) {
    let authority = head.authority.map { [(name: "host", value: $0)] } ?? []
    self.init(method: head.method.rawValue, target: head.path ?? "", headers: head.headerFields.map { ($0.name.rawName, $0.value) } + authority, body: body)
    fault = Self.hostFault(head)
  }

  /// What is wrong with the host that a request names: each names one, once (RFC 9112, 3.2).
  private static func hostFault(_ head: HTTPRequest) -> String? {
    // The first one is the authority; others stay among the headers.
    guard let host = head.authority else { return "The request has no Host header" }
    if head.headerFields.contains(where: { $0.name.canonicalName == "host" }) { return "The request has more than one Host header" }
    let isClean = host.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !"/\\\"?#@<>".utf8.contains($0) }
    return isClean ? nil : "The request's Host header is no host with a port"
  }
}

private struct ServiceResponder: HTTPResponder {
  typealias Context = ConnectionContext
  let service: KustoService
  let departures: Departures
  let isSecure: Bool
  /// Seconds.
  let idleTimeout: Int
  let threads = RequestThreads()
  /// Bytes of a body that are gathered before a thread is spent on the request: trickling ones hold a connection and nothing else.
  private static let gathered = 1 << 16
  /// Of a body that nobody wants any more: bytes and time that are spent on it, so that the client comes to read the reply.
  private static let discarded = 16 << 20
  private static let patience = TimeAmount.seconds(3)

  func respond(to request: Request, context: ConnectionContext) async throws -> Response {
    let incoming = IncomingBytes(), outgoing = OutgoingReply(stallMilliseconds: idleTimeout * 1_000)
    var given = ServerRequest(request.head, body: incoming)
    given.peer = context.channel.remoteAddress?.ipAddress ?? "-"
    given.isSecure = isSecure
    let channel = context.channel
    departures.watch(channel, RequestEnd(cancellation: given.cancellation, incoming: incoming, outgoing: outgoing))
    if let length = given.header("content-length").flatMap({ Int($0) }) ?? (given.method == "GET" ? 0 : nil), length <= Self.gathered {
      await gather(request.body, incoming)
      start(given, incoming, outgoing)
      return await response(outgoing, channel, pump: nil, incoming)
    }
    // The body comes beside the reply, which may be there before all of it has come.
    let serverRequest = given
    let isRefused = service.refusesLength(of: serverRequest)
    let body = request.body
    let pump = Task { await pass(body, to: incoming, channel, atOnce: isRefused) { start(serverRequest, incoming, outgoing) } }
    return await response(outgoing, channel, pump: pump, incoming)
  }

  /// Waits for all of a small body.
  private func gather(_ body: RequestBody, _ incoming: IncomingBytes) async {
    do {
      for try await buffer in body { incoming.preload(Array(buffer: buffer)) }
      incoming.end()
    } catch { incoming.end(failed: true) }
  }

  /// Hands a body over as far as it is wanted, beginning the request's work once enough of it is there, or at once.
  private func pass(_ body: RequestBody, to incoming: IncomingBytes, _ channel: any Channel, atOnce: Bool, _ begin: () -> Void) async {
    var parts = body.makeAsyncIterator()
    var early: [UInt8] = []
    var hasBegun = atOnce, isWanted = true
    if atOnce { begin() }
    var discarded = 0
    do {
      while let buffer = try await parts.next() {
        if !hasBegun {
          early += buffer.readableBytesView
          guard early.count >= Self.gathered else { continue }
          incoming.preload(early)
          begin()
          hasBegun = true
        } else if isWanted {
          isWanted = await incoming.send(Array(buffer: buffer))
        } else {
          discarded += buffer.readableBytes
          if discarded > Self.discarded { channel.close(promise: nil) }
        }
      }
      if !hasBegun { incoming.preload(early) }
      incoming.end()
    } catch { incoming.end(failed: true) }
    if !hasBegun { begin() }
  }

  /// Answers on a thread.
  private func start(_ request: ServerRequest, _ incoming: IncomingBytes, _ outgoing: OutgoingReply) {
    let service = service
    let isRunning = threads.run {
      service.handle(request, outgoing)
      incoming.close()
      outgoing.end()
    }
    if isRunning { return }
    incoming.close()
    try? outgoing.start(ReplyHead(503, length: 0))
    outgoing.end()
  }

  /// The reply's head, with its body where all of that is there. `pump`: what brings the request's body in.
  private func response(_ outgoing: OutgoingReply, _ channel: any Channel, pump: Task<Void, Never>?, _ incoming: IncomingBytes) async -> Response {
    guard let head = await outgoing.head() else {
      departures.forget(channel)
      if !incoming.isWhole { channel.close(promise: nil) }
      await pump?.value
      return Response(status: .internalServerError)
    }
    // Not all of the body was read when the reply began: the connection ends with it.
    let isEarly = !incoming.isWhole
    var fields = HTTPFields()
    for (name, value) in head.headers {
      // Names and values that HTTP does not allow are left out: nothing of a request can end a header.
      guard let field = HTTPField.Name(name), HTTPField.isValidValue(value) else { continue }
      fields.append(HTTPField(name: field, value: value))
    }
    if isEarly { fields[.connection] = "close" }
    let status = HTTPResponse.Status(code: head.status)
    if !isEarly, let body = outgoing.takeWhole() {
      departures.forget(channel)
      return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: Self.buffer(body)))
    }
    let departures = departures
    return Response(
      status: status, headers: fields,
      body: ResponseBody(contentLength: head.length) { writer in
        defer { departures.forget(channel) }
        do {
          while let part = try await outgoing.next() { try await writer.write(Self.buffer(part)) }
          try await writer.finish(nil)
        } catch {
          outgoing.fail()
          if isEarly { channel.close(promise: nil) }
          await pump?.value
          throw error
        }
        // Closed at once, the connection would take the reply along.
        let end = isEarly ? channel.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) } : nil
        await pump?.value
        end?.cancel()
        if isEarly { channel.close(promise: nil) }
      })
  }

  private static func buffer(_ part: Buffer<UInt8>) -> ByteBuffer {
    // SAFETY: the part's memory is alive through the call, which copies it.
    unsafe part.withUnsafe { unsafe ByteBuffer(bytes: UnsafeRawBufferPointer($0)) }
  }
}
