// Role: http(s) inputs: the body is spooled to an unlinked temporary file, so that every format reads it with random access.

#if canImport(Glibc)
import Glibc
#endif
import CCurl
package import DataSource

/// How downloads behave.
package struct HTTPOptions: Sendable {
  package var connectTimeoutMilliseconds = 10_000
  /// A transfer slower than one byte a second for so long is given up.
  package var stallTimeoutMilliseconds = 60_000
  /// Attempts after the first, for failures that may pass: transport errors, 429, 5xx.
  package var retries = 2
  /// Whether answers may lead to other addresses (at most 10, http and https only). False where the address was checked: what it leads to is not.
  package var followsRedirects = true
  /// Bytes of a body at most; nil: as many as come.
  package var limitBytes: Int?
  /// Asked about once a second: true ends the transfer, from any thread.
  var isCancelled: (@Sendable () -> Bool)?

  /// What holds by default, within the `TransferLimits` of the thread.
  package init() {
    isCancelled = TransferLimits.current?.isCancelled
    stallTimeoutMilliseconds = TransferLimits.stall(stallTimeoutMilliseconds)
  }
}

/// Fetches URLs.
package enum HTTPDownload {
  /// The body of `url` as a file; throws HTTP with the status, or with what curl says. A body that is gzip although the name does not say so is called `….gz`.
  package static func spool(_ url: String, _ options: HTTPOptions) throws -> InputFile {
    guard url.lowercased().hasPrefix("http") else {
      throw KConnectError(.notSupported, "'\(URLText.shown(url))': no store of objects for this address is built in here", hint: "supported are http: and https:")
    }
    // SAFETY: the loader's message is a text that ends with 0 and is copied at once.
    guard kccurl_load() else {
      throw KConnectError(.http, unsafe "cannot fetch '\(URLText.shown(url))': libcurl is not available: \(String(cString: kccurl_load_error()))", hint: "install libcurl4")
    }
    let spool = try SpoolFile()
    var attempt = 0
    while true {
      do {
        try fetch(url, options, into: spool)
        break
      } catch let error as KConnectError where error.isRetryable && attempt < options.retries && options.isCancelled?() != true {
        attempt += 1
        usleep(useconds_t(250_000 << attempt))
        try spool.truncate()
      }
    }
    var name = String(url.prefix { $0 != "?" && $0 != "#" })
    let file = spool.finish(path: name)
    var head: (UInt8, UInt8) = (0, 0)
    // SAFETY: two bytes on the stack, which `pread` fills at most.
    let n = try unsafe withUnsafeMutableBytes(of: &head) { try unsafe file.pread(into: $0, at: 0) }
    if n == 2, head == (0x1F, 0x8B), FileNames.compressionExtension(name) == nil {
      name += ".gz"
      return try file.renamed(name)
    }
    return file
  }

  /// What the write callback needs; lives for one transfer.
  private final class Sink {
    let spool: SpoolFile
    let limit: Int?
    let isCancelled: (@Sendable () -> Bool)?
    private var count = 0
    var failure: (any Error)?
    init(_ spool: SpoolFile, _ options: HTTPOptions) {
      self.spool = spool
      limit = options.limitBytes
      isCancelled = options.isCancelled
    }

    func take(_ bytes: UnsafeRawBufferPointer) throws {
      count += bytes.count
      if let limit, count > limit { throw KConnectError(.formatCorrupt, "the file has more than \(limit) bytes, the most that is taken here") }
      // SAFETY: the bytes live through the callback that hands them over, and are written at once.
      try unsafe spool.append(bytes)
    }
  }

  // SAFETY: the handle is freed at the end, whatever happens. libcurl copies the texts, writes the status to a live variable, and
  // calls back only within `kccurl_perform`, for which `sink` is kept alive.
  private static func fetch(_ url: String, _ options: HTTPOptions, into spool: SpoolFile) throws {
    guard let curl = unsafe kccurl_init() else { throw KConnectError(.http, "libcurl could not start a transfer") }
    defer { unsafe kccurl_cleanup(curl) }
    let sink = Sink(spool, options)
    _ = unsafe kccurl_set_string(curl, CURLOPT_URL, url)
    _ = unsafe kccurl_set_long(curl, CURLOPT_FOLLOWLOCATION, options.followsRedirects ? 1 : 0)
    _ = unsafe kccurl_set_long(curl, CURLOPT_MAXREDIRS, 10)
    _ = unsafe kccurl_set_string(curl, CURLOPT_PROTOCOLS_STR, "http,https")
    _ = unsafe kccurl_set_string(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
    _ = unsafe kccurl_set_long(curl, CURLOPT_NOSIGNAL, 1)
    _ = unsafe kccurl_set_long(curl, CURLOPT_CONNECTTIMEOUT_MS, options.connectTimeoutMilliseconds)
    _ = unsafe kccurl_set_long(curl, CURLOPT_LOW_SPEED_LIMIT, 1)
    _ = unsafe kccurl_set_long(curl, CURLOPT_LOW_SPEED_TIME, max(1, options.stallTimeoutMilliseconds / 1_000))
    _ = unsafe kccurl_set_string(curl, CURLOPT_USERAGENT, "kconnect")
    if let file = CertificateAuthorities.file { _ = unsafe kccurl_set_string(curl, CURLOPT_CAINFO, file) }
    _ = unsafe kccurl_set_callback(curl, CURLOPT_WRITEFUNCTION) { data, size, count, context in
      // SAFETY: the context is the `sink` of the call under way; libcurl's bytes, `size * count` of them, live for the callback.
      guard let context = unsafe context else { return 0 }
      let sink = unsafe Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue()
      do {
        try unsafe sink.take(UnsafeRawBufferPointer(start: data, count: size * count))
        return size * count
      } catch {
        sink.failure = error
        return 0
      }
    }
    _ = unsafe kccurl_set_pointer(curl, CURLOPT_WRITEDATA, Unmanaged.passUnretained(sink).toOpaque())
    if options.isCancelled != nil {
      _ = unsafe kccurl_set_long(curl, CURLOPT_NOPROGRESS, 0)
      _ = unsafe kccurl_set_progress(curl) { context, _, _, _, _ in
        // SAFETY: the context is the `sink` of the call under way.
        guard let context = unsafe context else { return 1 }
        return unsafe Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue().isCancelled?() == true ? 1 : 0
      }
      _ = unsafe kccurl_set_pointer(curl, CURLOPT_XFERINFODATA, Unmanaged.passUnretained(sink).toOpaque())
    }
    let result = withExtendedLifetime(sink) { unsafe kccurl_perform(curl) }
    if let failure = sink.failure { throw failure }
    if result == CURLE_ABORTED_BY_CALLBACK { throw KConnectError(.cancelled, "the transfer of '\(URLText.shown(url))' was cancelled") }
    if result == CURLE_OPERATION_TIMEDOUT {
      var connected: curl_off_t = 0
      _ = unsafe kccurl_get_offset(curl, CURLINFO_CONNECT_TIME_T, &connected)
      let what = connected > 0
        ? "time-out: nothing came of it for \(options.stallTimeoutMilliseconds) ms" : "time-out: no connection within \(options.connectTimeoutMilliseconds) ms"
      throw KConnectError(
        .http, "cannot fetch '\(URLText.shown(url))': \(what)", hint: "check the address and the network; files are waited for as long as their option httpTimeout says", isRetryable: true)
    }
    if result != CURLE_OK {
      throw KConnectError(
        .http, unsafe "cannot fetch '\(URLText.shown(url))': \(String(cString: kccurl_error_text(result)))", hint: "check the address and the network",
        isRetryable: result != CURLE_URL_MALFORMAT && result != CURLE_UNSUPPORTED_PROTOCOL && result != CURLE_PEER_FAILED_VERIFICATION)
    }
    var status = 0
    _ = unsafe kccurl_get_long(curl, CURLINFO_RESPONSE_CODE, &status)
    guard status < 200 || status >= 300 else { return }
    throw KConnectError(
      .http, "'\(URLText.shown(url))' answered HTTP \(status)\(reason(status))", hint: "the address is opened without credentials",
      isRetryable: status == 429 || status >= 500)
  }

  private static func reason(_ status: Int) -> String {
    switch status {
    case 400: " (bad request)"
    case 401: " (not authorised)"
    case 403: " (forbidden)"
    case 404: " (not found)"
    case 410: " (gone)"
    case 429: " (too many requests)"
    case 500: " (server error)"
    case 502: " (bad gateway)"
    case 503: " (unavailable)"
    case 504: " (gateway time-out)"
    default: ""
    }
  }
}
