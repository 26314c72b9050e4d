// http inputs against a server of a few lines: status, redirect, retry, compression that the name does not tell, a dead address.

import Columnar
import DataSource
import FileConnector
import Glibc
import Synchronization
import Testing

/// Answers requests one after the other until it is released.
private final class TinyServer: Sendable {
  let port: UInt16
  private let descriptor: Int32
  private let hits = Mutex(0)

  init(_ answer: @escaping @Sendable (String, Int) -> [UInt8]) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard isBound else { throw KConnectError(.io, "no port") }
    descriptor = listener
    port = UInt16(bigEndian: address.sin_port)
    let thread = Thread0 {
      var count = 0
      while true {
        let connection = accept(listener, nil, nil)
        if connection < 0 { return }
        var request = [UInt8](repeating: 0, count: 4096)
        let n = read(connection, &request, 4096)
        let path = String(decoding: request.prefix(max(0, n)), as: UTF8.self).split(separator: " ").dropFirst().first.map(String.init) ?? ""
        count += 1
        let reply = answer(path, count)
        _ = reply.withUnsafeBytes { write(connection, $0.baseAddress, $0.count) }
        close(connection)
      }
    }
    thread.start()
  }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }
}

/// A detached thread.
private struct Thread0 {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  private final class Box { let body: @Sendable () -> Void; init(_ body: @escaping @Sendable () -> Void) { self.body = body } }
  func start() {
    var thread = pthread_t()
    pthread_create(&thread, nil, { context in
      guard let context else { return nil }
      Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
      return nil
    }, Unmanaged.passRetained(Box(body)).toOpaque())
    pthread_detach(thread)
  }
}

private func response(_ status: String, _ body: [UInt8], _ headers: String = "") -> [UInt8] {
  Array("HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\(headers)\r\n".utf8) + body
}

@Suite struct HTTPTests {
  @Test func statusesRedirectsAndRetries() throws {
    let json = FileProvider(JSONFormat())
    let server = try TinyServer { path, count in
      switch path {
      case "/a.json?x=1": return response("200 OK", Array("{\"k\":1}\n{\"k\":2}\n".utf8))
      case "/moved.json": return response("302 Found", [], "Location: /a.json?x=1\r\n")
      case "/busy.json": return count % 2 == 0 ? response("503 Busy", []) : response("200 OK", Array("{\"k\":3}\n".utf8))
      case "/secret.json": return response("403 No", [])
      default: return response("404 Not Found", Array("nothing".utf8))
      }
    }
    let base = "http://127.0.0.1:\(server.port)"
    #expect(try readRows(try openTable(json, ["\(base)/a.json?x=1"])) == [[.long(1)], [.long(2)]])
    #expect(try readRows(try openTable(json, ["\(base)/moved.json"])).count == 2)
    let refused = thrown { _ = try openTable(json, ["\(base)/moved.json"], options: ["httpRedirects": "false"]) }
    #expect(refused?.code == .http && refused?.message.contains("HTTP 302") == true)
    #expect(try readRows(try openTable(json, ["\(base)/busy.json"])) == [[.long(3)]])
    let missing = thrown { _ = try openTable(json, ["\(base)/gone.json"]) }
    #expect(missing?.code == .http && missing?.message.contains("HTTP 404") == true && missing?.isRetryable == false)
    #expect(thrown { _ = try openTable(json, ["\(base)/secret.json"]) }?.message.contains("403") == true)
    #expect(try FileFormats.guess("\(base)/a.parquet?sig=1").shortName == "parquet")
    #expect(thrown { _ = try openTable(json, ["ftp://host/a.json"]) }?.code == .notSupported)
    #expect(thrown { try writeRows(json, "\(base)/x.json", [try batch("k:long", [[.long(1)]])]) }?.code == .notSupported)
  }
}
