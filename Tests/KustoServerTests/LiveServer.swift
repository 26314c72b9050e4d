// Role: a service behind real sockets, and clients that write bytes as they like.

import DataSource
import Foundation
import KustoServer

#if canImport(Glibc)
import Glibc
#endif

/// A server of this process. It stops when `with` returns.
struct LiveServer: Sendable {
  let host: String
  let port: UInt16
  var url: String { "http://" + (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

  /// Serves `test` on a free port of `listen` while `body` runs on a thread that may block.
  static func with(
    _ test: TestService, listen: String = "127.0.0.1:0", change: (inout ListenAddress) -> Void = { _ in }, _ body: @escaping @Sendable (LiveServer) throws -> Void
  ) async throws {
    var address = try ListenAddress(listen)
    change(&address)
    let place = address
    let service = test.service
    service.start()
    let (urls, found) = AsyncThrowingStream<String, any Error>.makeStream()
    let serving = Task {
      do { try await HTTPServer.run(service, place) { found.yield($0) } } catch { found.finish(throwing: error) }
    }
    var iterator = urls.makeAsyncIterator()
    guard let url = try await iterator.next(), let port = url.split(separator: ":").last.flatMap({ UInt16($0) }) else { throw LiveFailure("no address") }
    let server = LiveServer(host: place.host, port: port)
    let result: Result<Void, any Error> = await withCheckedContinuation { done in
      Thread.detachNewThread { done.resume(returning: Result { try body(server) }) }
    }
    serving.cancel()
    await serving.value
    service.stop()
    try result.get()
  }

  func connect() throws -> RawConnection { try RawConnection(host, port) }

  /// A whole request on a connection of its own; answers head and body as they came.
  func ask(_ text: String, headers: String = "") throws -> String {
    let body = "{\"csl\":\"\(text)\"}"
    let connection = try connect()
    try connection.send("POST /v1/rest/query HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    return String(decoding: connection.readToEnd(), as: UTF8.self)
  }

  /// The value of a metric.
  func metric(_ name: String) throws -> Int {
    let connection = try connect()
    try connection.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    let text = String(decoding: connection.readToEnd(), as: UTF8.self)
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name + " ") }), let value = Int(line.dropFirst(name.count + 1)) else {
      throw LiveFailure("no \(name) in \(text)")
    }
    return value
  }

  /// Asks for a metric until it has the value; the test's own time limit ends a wait that has none.
  func wait(for name: String, toBe value: Int) throws { while try metric(name) != value {} }
}

struct LiveFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

/// A port of this machine on which nobody listens. Who asks for a free port is not given it; a server that is told to may listen on it. Closed with the object.
final class ReservedPort: Sendable {
  fileprivate let descriptor: Int32
  let port: UInt16

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    // Bound and not listening, it lets another socket with this option bind the same port by its number.
    var isReusable: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isReusable, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = descriptor
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(bound, $0, length) == 0 && getsockname(bound, $0, &length) == 0 }
    }
    port = UInt16(bigEndian: address.sin_port)
    guard isBound else { throw LiveFailure("no port") }
  }

  deinit { close(descriptor) }
}

/// An address on this machine that takes connections and never answers; closed with the object.
final class SilentAddress: Sendable {
  private let place: ReservedPort
  var url: String { "http://127.0.0.1:\(place.port)" }

  init() throws {
    place = try ReservedPort()
    guard listen(place.descriptor, 64) == 0 else { throw LiveFailure("no port") }
  }
}

/// A socket; closed with the object.
final class RawConnection: Sendable {
  private let descriptor: Int32

  init(_ host: String, _ port: UInt16) throws {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &found) == 0, let info = found else { throw LiveFailure("no address for \(host)") }
    defer { freeaddrinfo(found) }
    descriptor = socket(info.pointee.ai_family, info.pointee.ai_socktype, 0)
    guard descriptor >= 0 else { throw LiveFailure("no socket: \(errno)") }
    guard Glibc.connect(descriptor, info.pointee.ai_addr, info.pointee.ai_addrlen) == 0 else {
      close(descriptor)
      throw LiveFailure("cannot connect: \(errno)")
    }
  }

  deinit { close(descriptor) }

  /// Throws when the other side does not take it.
  func send(_ text: String) throws {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let n = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard n > 0 else { throw LiveFailure("cannot send: \(errno)") }
      bytes = bytes.dropFirst(n)
    }
  }

  /// The next bytes; empty at the end, also when the other side cut the connection.
  func read() -> [UInt8] {
    var room = [UInt8](repeating: 0, count: 1 << 16)
    let n = room.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
    return n > 0 ? Array(room[..<n]) : []
  }

  func readToEnd() -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      let part = read()
      if part.isEmpty { return bytes }
      bytes += part
    }
  }

  /// Says that nothing more will be sent.
  func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Ends the connection at once, as a client that dies.
  func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    shutdown(descriptor, Int32(SHUT_RDWR))
  }
}
