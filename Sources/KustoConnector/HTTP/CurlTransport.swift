// Role: requests over libcurl, which is loaded at the first of them. Handles are kept, so that connections are used again; redirects come back as
// answers, so that credentials never travel on; proxies come from the usual environment variables unless one is given.

import CCurl
import DataSource
import Synchronization

/// What holds for every request of a transport.
package struct HTTPSettings: Sendable, Hashable {
  /// `http://host:port`; nil: `https_proxy`, `http_proxy`, `no_proxy` of the environment.
  package var proxy: String?
  /// A PEM file of certificate authorities instead of the system's.
  package var caFile: String?
  /// Until a connection stands.
  package var connectTimeoutMilliseconds = 30_000
  /// A body on its way, in either direction, of which nothing moves for so long is given up. Between the two the service works: that is the
  /// request's own limit.
  package var stallTimeoutMilliseconds = 120_000
  /// Bytes of a body that is held in memory.
  package var heldBytes = 64 << 20
  /// Idle handles kept.
  package var idleHandles = 16

  package init() {}
}

/// libcurl as a transport.
package final class CurlTransport: HTTPTransport {
  private let settings: HTTPSettings
  private let idle = Mutex<[CurlHandle]>([])

  package init(_ settings: HTTPSettings = HTTPSettings()) { self.settings = settings }

  package func send(_ request: HTTPRequest, receive: HTTPBodyReceiver?) throws -> HTTPResponse {
    let handle = try idle.withLock { $0.popLast() } ?? CurlHandle()
    let exchange = unsafe HTTPExchange(receive, request, settings)
    let outcome = Result { try handle.perform(request, settings, exchange) }
    idle.withLock { if $0.count < settings.idleHandles { $0.append(handle) } }
    return try outcome.get()
  }
}

/// One transfer's answer as it comes in. Used by the thread of the transfer alone.
// SAFETY: the receiver gets bytes that libcurl keeps alive for the call.
@safe private final class HTTPExchange {
  let receive: HTTPBodyReceiver?
  private let heldBytes: Int
  private let stallMilliseconds: Int
  private let timeoutMilliseconds: Int?
  private let request: String
  private let began = DataSource.SystemClock.monotonicNanoseconds
  /// When bytes moved last, and how many had; the time of the receiver does not count.
  private var movedAt = DataSource.SystemClock.monotonicNanoseconds
  private var moved = 0
  private var hasBody = false
  var status = 0
  var headers: [String: String] = [:]
  var body: [UInt8] = []
  var failure: (any Error)?
  var isEnough = false
  private let isCancelled: (@Sendable () -> Bool)?

  init(_ receive: HTTPBodyReceiver?, _ request: HTTPRequest, _ settings: HTTPSettings) {
    isCancelled = request.isCancelled
    unsafe self.receive = unsafe receive
    heldBytes = settings.heldBytes
    stallMilliseconds = settings.stallTimeoutMilliseconds
    timeoutMilliseconds = request.timeoutMilliseconds
    self.request = "\(request.method) \(request.shownURL)"
  }

  /// Asked about once a second with the bytes so far. False: the transfer is to end, cancelled unless there is a failure.
  func goesOn(received: Int, sent: Int, toSend: Int) -> Bool {
    if isCancelled?() == true { return false }
    let now = DataSource.SystemClock.monotonicNanoseconds
    if received + sent != moved {
      moved = received + sent
      movedAt = now
    }
    let silent = Int((now - movedAt) / 1_000_000), total = Int((now - began) / 1_000_000)
    // An answer that is passed on may be as long as it likes, as long as it comes.
    let isPassedOn = unsafe hasBody && receive != nil && status == 200
    if let limit = timeoutMilliseconds, (isPassedOn ? silent : total) >= limit {
      return end(isPassedOn ? "nothing more came of the answer within \(limit) ms" : "no answer within \(limit) ms")
    }
    guard silent >= stallMilliseconds else { return true }
    if sent < toSend { return end("the other side took nothing of the body for \(stallMilliseconds) ms") }
    return hasBody && !isPassedOn ? end("nothing more came of the answer within \(stallMilliseconds) ms") : true
  }

  private func end(_ what: String) -> Bool {
    failure = KConnectError(.http, "\(request): \(what)", hint: "the service did not answer in time", cause: RequestTimedOut(), isRetryable: true)
    return false
  }

  /// A line of the head; a status line begins a new one (100 Continue, answers of proxies).
  func header(_ line: String) {
    if line.hasPrefix("HTTP/") {
      headers = [:]
      status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
      return
    }
    guard let colon = line.firstIndex(of: ":") else { return }
    let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
    headers[line[..<colon].lowercased()] = String(value.reversed().drop { $0.isWhitespace }.reversed())
  }

  /// False: the transfer is to end.
  func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
    hasBody = true
    defer { movedAt = DataSource.SystemClock.monotonicNanoseconds }
    do {
      if let receive = unsafe receive, status == 200 {
        if try unsafe receive(bytes) { return true }
        isEnough = true
        return false
      }
      guard body.count + bytes.count <= heldBytes else {
        // Of a failed request the beginning of a long page says enough.
        if status >= 300 { return true }
        throw KConnectError(.formatCorrupt, "the answer has more than \(heldBytes) bytes")
      }
      unsafe body.append(contentsOf: bytes)
      return true
    } catch {
      failure = error
      return false
    }
  }
}

/// A libcurl handle with its open connections. Used by one thread at a time.
// SAFETY: owns the handle until deinit; whoever holds the object is the only user.
@safe private final class CurlHandle: @unchecked Sendable {  // handed from thread to thread under the transport's lock
  private let curl: UnsafeMutableRawPointer

  init() throws {
    guard kccurl_load() else {
      throw KConnectError(.http, unsafe "libcurl is not available: \(String(cString: kccurl_load_error()))", hint: "install libcurl4")
    }
    guard let made = unsafe kccurl_init() else { throw KConnectError(.http, "libcurl could not start a transfer") }
    unsafe curl = unsafe made
  }

  deinit { unsafe kccurl_cleanup(curl) }

  func perform(_ request: HTTPRequest, _ settings: HTTPSettings, _ exchange: HTTPExchange) throws -> HTTPResponse {
    unsafe kccurl_reset(curl)
    var list: UnsafeMutablePointer<curl_slist>?
    defer { unsafe kccurl_list_free(list) }
    // No 100-continue: services answer large bodies at once.
    // libcurl adds a type of its own to bodies without one, which no signature covers.
    let hasType = request.headers.contains { $0.name.lowercased() == "content-type" }
    for (name, value) in request.headers + [("Expect", "")] + (hasType ? [] : [("Content-Type", "")]) {
      guard !value.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }), !name.utf8.contains(where: { $0 <= 32 || $0 == 58 }) else {
        throw KConnectError(.usage, "the value of the request header '\(name)' has line breaks")
      }
      unsafe list = unsafe kccurl_list_append(list, value.isEmpty ? "\(name):" : "\(name): \(value)")
    }
    unsafe configure(request, settings, list)
    let result = withExtendedLifetime(exchange) {
      attach(exchange)
      guard let body = request.body else { return unsafe kccurl_perform(curl) }
      return unsafe body.withUnsafeBytes { bytes in
        // An empty body has no address; libcurl needs one to send a length of 0.
        var none: UInt8 = 0
        return unsafe withUnsafeMutablePointer(to: &none) { empty in
          _ = unsafe kccurl_set_pointer(curl, CURLOPT_POSTFIELDS, bytes.baseAddress.map { unsafe UnsafeMutableRawPointer(mutating: $0) } ?? UnsafeMutableRawPointer(empty))
          _ = unsafe kccurl_set_offset(curl, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
          return unsafe kccurl_perform(curl)
        }
      }
    }
    if let failure = exchange.failure { throw failure }
    if result == CURLE_ABORTED_BY_CALLBACK { throw KConnectError(.cancelled, "the request was cancelled") }
    if result != CURLE_OK, !(exchange.isEnough && result == CURLE_WRITE_ERROR) { throw failure(result, request, settings) }
    return HTTPResponse(status: exchange.status, headers: exchange.headers, body: exchange.body)
  }

  private func configure(_ request: HTTPRequest, _ settings: HTTPSettings, _ list: UnsafeMutablePointer<curl_slist>?) {
    _ = unsafe kccurl_set_string(curl, CURLOPT_URL, request.url)
    _ = unsafe kccurl_set_string(curl, CURLOPT_PROTOCOLS_STR, "http,https")
    _ = unsafe kccurl_set_long(curl, CURLOPT_FOLLOWLOCATION, 0)
    _ = unsafe kccurl_set_long(curl, CURLOPT_NOSIGNAL, 1)
    _ = unsafe kccurl_set_long(curl, CURLOPT_CONNECTTIMEOUT_MS, settings.connectTimeoutMilliseconds)
    // While a service works nothing moves: routers on the way are to remember the connection, and peers that are gone are to be noticed.
    _ = unsafe kccurl_set_long(curl, CURLOPT_TCP_KEEPALIVE, 1)
    _ = unsafe kccurl_set_long(curl, CURLOPT_FRESH_CONNECT, request.isRepeatable ? 0 : 1)
    _ = unsafe kccurl_set_long(curl, CURLOPT_BUFFERSIZE, 512 << 10)
    _ = unsafe kccurl_set_string(curl, CURLOPT_USERAGENT, "kconnect")
    if request.method == "HEAD" {
      _ = unsafe kccurl_set_long(curl, CURLOPT_NOBODY, 1)
    } else {
      if request.decodesBody {
        // Every coding that libcurl can undo, undone as the bytes arrive. On this machine packing costs more than it saves: none is asked for
        // there, and undone all the same where a service does not listen.
        _ = unsafe kccurl_set_string(curl, CURLOPT_ACCEPT_ENCODING, ClusterAddress.isOnThisMachine(request.url) ? "identity" : "")
      } else {
        _ = unsafe kccurl_set_long(curl, CURLOPT_HTTP_CONTENT_DECODING, 0)
      }
      if request.body != nil { _ = unsafe kccurl_set_long(curl, CURLOPT_POST, 1) }
      _ = unsafe kccurl_set_string(curl, CURLOPT_CUSTOMREQUEST, request.method)
    }
    _ = unsafe kccurl_set_pointer(curl, CURLOPT_HTTPHEADER, list.map { UnsafeMutableRawPointer($0) })
    if let proxy = settings.proxy { _ = unsafe kccurl_set_string(curl, CURLOPT_PROXY, proxy) }
    if let caFile = settings.caFile { _ = unsafe kccurl_set_string(curl, CURLOPT_CAINFO, caFile) }
  }

  private func attach(_ exchange: HTTPExchange) {
    let context = unsafe Unmanaged.passUnretained(exchange).toOpaque()
    _ = unsafe kccurl_set_callback(curl, CURLOPT_WRITEFUNCTION) { data, size, count, context in
      guard let context = unsafe context else { return 0 }
      let exchange = unsafe Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
      return unsafe exchange.take(UnsafeRawBufferPointer(start: data, count: size * count)) ? size * count : 0
    }
    _ = unsafe kccurl_set_pointer(curl, CURLOPT_WRITEDATA, context)
    _ = unsafe kccurl_set_callback(curl, CURLOPT_HEADERFUNCTION) { data, size, count, context in
      guard let context = unsafe context else { return 0 }
      let exchange = unsafe Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue()
      unsafe exchange.header(String(decoding: UnsafeRawBufferPointer(start: data, count: size * count), as: UTF8.self))
      return size * count
    }
    _ = unsafe kccurl_set_pointer(curl, CURLOPT_HEADERDATA, context)
    _ = unsafe kccurl_set_long(curl, CURLOPT_NOPROGRESS, 0)
    _ = unsafe kccurl_set_progress(curl) { context, _, received, toSend, sent in
      guard let context = unsafe context else { return 1 }
      return unsafe Unmanaged<HTTPExchange>.fromOpaque(context).takeUnretainedValue().goesOn(received: Int(received), sent: Int(sent), toSend: Int(toSend)) ? 0 : 1
    }
    _ = unsafe kccurl_set_pointer(curl, CURLOPT_XFERINFODATA, context)
  }

  private func failure(_ result: CURLcode, _ request: HTTPRequest, _ settings: HTTPSettings) -> KConnectError {
    // Of an address that is one, this protocol is what came instead of HTTP: bytes that were left of an answer before.
    let isNoAddress = result == CURLE_URL_MALFORMAT || result == CURLE_UNSUPPORTED_PROTOCOL && !request.url.lowercased().hasPrefix("http")
    let isFinal = isNoAddress || result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE
    let hint: String? = switch result {
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE: "the certificate is not signed by an authority that is known here; the option caFile (-o caFile=FILE), or $CURL_CA_BUNDLE, names a file of others"
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT: "check the address, the network and the proxy"
    case CURLE_OPERATION_TIMEDOUT: "no connection within \(settings.connectTimeoutMilliseconds) ms: check the address, the network and the proxy"
    case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_RECV_ERROR: "the connection was cut while the answer came"
    default: nil
    }
    return KConnectError(
      .http, unsafe "\(request.method) \(request.shownURL): \(String(cString: kccurl_error_text(result)))", hint: hint,
      // The library limits the time of connecting only.
      cause: [CURLE_URL_MALFORMAT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_PROXY, CURLE_OPERATION_TIMEDOUT].contains(result) ? RequestNotSent() : nil,
      isRetryable: !isFinal)
  }
}
