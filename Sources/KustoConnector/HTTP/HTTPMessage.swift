// Role: an HTTP request and its answer as values, and the transport between them. Tests put a scripted transport in the place of libcurl.

/// A request. Header values that hold secrets never reach messages: errors show method, host and path alone.
package struct HTTPRequest: Sendable {
  package var method: String
  package var url: String
  /// Names as they are sent; a name occurs once.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]?
  /// Until the answer has been read; of an answer that goes to a receiver: until its first bytes, and then between two pieces, without the time
  /// that the receiver takes. nil: no limit.
  package var timeoutMilliseconds: Int?
  /// False: carried out twice it does something else. Such a request goes over a new connection, because what was sent over one that
  /// was closed meanwhile is sent again by the library, whether the other side has read it or not.
  package var isRepeatable = true
  /// False: the body comes as it is stored, whatever its `Content-Encoding` says.
  package var decodesBody = true
  /// Asked now and then while the transfer runs; true ends it with CANCELLED.
  package var isCancelled: (@Sendable () -> Bool)?

  package init(_ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }

  /// The URL without query, which may hold a signature.
  package var shownURL: String { String(url.prefix { $0 != "?" && $0 != "#" }) }
}

/// An answer.
package struct HTTPResponse: Sendable {
  package var status: Int
  /// Names in lower case; of repeated headers the last.
  package var headers: [String: String]
  /// The body, decoded; empty when it went to the caller's closure.
  package var body: [UInt8]

  package init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// Behind errors of requests that never left: sending them again repeats nothing.
package struct RequestNotSent: Error { package init() {} }

/// Behind errors of requests whose answer did not come in time.
package struct RequestTimedOut: Error { package init() {} }

/// Takes pieces of a body as they arrive. False ends the transfer without an error.
package typealias HTTPBodyReceiver = (UnsafeRawBufferPointer) throws -> Bool

/// Sends requests. Thread-safe; blocks the calling thread. Redirects are never followed: they come back as answers.
package protocol HTTPTransport: Sendable {
  /// The answer. Bodies of answers with status 200 go to `receive` piece by piece when it is given; other bodies are held, up to 8 MB. Throws
  /// HTTP (retryable where another attempt may help), CANCELLED, or what `receive` throws.
  func send(_ request: HTTPRequest, receive: HTTPBodyReceiver?) throws -> HTTPResponse
}
