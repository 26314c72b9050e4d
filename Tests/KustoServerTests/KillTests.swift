// Role: a real server, killed under load: every acknowledged row is there afterwards, once, for other processes and for the next server.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource
import Foundation
import KustoServer
import KustoStore
import Testing

@Suite(.serialized) struct KillTests {
  /// The program beside the tests; KCONNECT_SERVER may name another.
  static let program: String? = {
    let path = ProcessInfo.processInfo.environment["KCONNECT_SERVER"] ?? joinPath(parentPath(resolvedPath("/proc/self/exe")), "kconnect-server")
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }()

  /// A server of its own process, on a port of its choice.
  private final class Server: @unchecked Sendable {  // killed by one thread, once
    let process = Process()
    let port: UInt16

    init(_ program: String, store: String) throws {
      let output = Pipe()
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = ["--store", store, "--listen", "127.0.0.1:0"]
      process.standardOutput = output
      process.standardInput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      var text = ""
      while !text.contains("\n") {
        let part = output.fileHandleForReading.availableData
        guard !part.isEmpty else { throw KConnectError(.io, "the server ended: \(text)") }
        text += String(decoding: part, as: UTF8.self)
      }
      guard let port = text.split(separator: ":").last.flatMap({ UInt16($0.trimmingCharacters(in: .whitespacesAndNewlines)) }) else { throw KConnectError(.io, "no port in '\(text)'") }
      self.port = port
    }

    func kill() {
      Glibc.kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }

    deinit { if process.isRunning { kill() } }
  }

  /// Sends one request and answers the status of its reply; nil when the connection broke.
  private static func send(_ connection: Int32, _ target: String, _ body: String) -> Int? {
    let request = Array("POST \(target) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
    guard request.withUnsafeBytes({ Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }) == request.count else { return nil }
    var reply: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 8_192)
    while true {
      let n = recv(connection, &block, block.count, 0)
      if n <= 0 { return nil }
      reply += block[..<n]
      let text = String(decoding: reply, as: UTF8.self)
      guard let end = text.range(of: "\r\n\r\n"), let length = text.lowercased().range(of: "content-length: ").flatMap({ Int(text[$0.upperBound...].prefix { $0.isNumber }) }) else { continue }
      if text[end.upperBound...].utf8.count >= length { return Int(text.dropFirst(9).prefix(3)) }
    }
  }

  private static func connect(_ port: UInt16) -> Int32 {
    let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) } }
    return code == 0 ? connection : -1
  }

  private static func ids(_ store: String) throws -> [Int] {
    let executor = CommandExecutor(try Store.open(store))
    let answer = try executor.execute("T | project id", database: "NetDefaultDB", RequestProperties(requestId: "test"))
    return try answer.rows(of: answer.tables[0]).compactMap { $0[0].int64Value.map { Int($0) } }.sorted()
  }

  @Test(.enabled(if: program != nil, "kconnect-server is not built beside the tests; KCONNECT_SERVER may name it"), arguments: [100, 400])
  func killedUnderLoad(_ requests: Int) async throws {
    let program = try #require(Self.program)
    let store = NSTemporaryDirectory() + "kconnect-kill-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: store) }
    let acknowledged = Guarded<[Int]>([]), tried = Guarded<[Int]>([])
    for round in 0..<2 {
      let server = try Server(program, store: store)
      let control = Self.connect(server.port)
      _ = Self.send(control, "/v1/rest/mgmt", #"{"csl":".create-merge table T (id:long, text:string)"}"#)
      Glibc.close(control)
      let goal = acknowledged.withLock { $0.count } + requests * 3
      await withTaskGroup(of: Void.self) { group in
        for worker in 0..<8 {
          let port = server.port
          group.addTask {
            await withCheckedContinuation { done in
              Thread.detachNewThread {
                let connection = Self.connect(port)
                var i = 0
                while true {
                  let first = ((round * 8 + worker) << 24) + i * 3
                  let ids = Array(first..<first + 3)
                  tried.withLock { $0 += ids }
                  guard Self.send(connection, "/v1/rest/ingest/NetDefaultDB/T?streamFormat=csv", ids.map { "\($0),row \($0)\n" }.joined()) == 200 else { break }
                  acknowledged.withLock { $0 += ids }
                  i += 1
                }
                Glibc.close(connection)
                done.resume()
              }
            }
          }
        }
        group.addTask {
          await withCheckedContinuation { done in
            Thread.detachNewThread {
              while acknowledged.withLock({ $0.count }) < goal { usleep(500) }
              server.kill()
              done.resume()
            }
          }
        }
      }
      let known = acknowledged.withLock { $0 }, all = Set(tried.withLock { $0 })
      // Another process looks first, then the next round's server finds the log.
      let found = try Self.ids(store)
      #expect(found.count == Set(found).count, "round \(round): rows are doubled")
      #expect(Set(known).subtracting(found).isEmpty, "round \(round): \(Set(known).subtracting(found).count) of \(known.count) acknowledged rows are missing")
      #expect(Set(found).isSubset(of: all))
      // Rows that were there once stay, so that the next round compares with them.
      acknowledged.withLock { $0 = found }
      let problems = try Store.open(store).verify(deep: true).problems
      #expect(problems == [])
    }
    let last = try Server(program, store: store)
    let control = Self.connect(last.port)
    #expect(Self.send(control, "/v1/rest/query", #"{"db":"NetDefaultDB","csl":"T | count"}"#) == 200)
    Glibc.close(control)
    last.kill()
    #expect(try Self.ids(store) == acknowledged.withLock { $0 }.sorted())
  }
}
