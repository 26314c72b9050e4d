// Shared by the tests of credentials: a transport that answers from a script, a clock that is turned by hand, a directory per test, certificates.

import DataSource
import Glibc
import KustoConnector
import Synchronization
import Testing

/// Answers requests by a closure and keeps them.
final class AnsweringTransport: HTTPTransport {
  private let answer: @Sendable (HTTPRequest, Int) throws -> HTTPResponse
  private let kept = Mutex<[HTTPRequest]>([])

  init(_ answer: @escaping @Sendable (HTTPRequest, Int) throws -> HTTPResponse) { self.answer = answer }

  var requests: [HTTPRequest] { kept.withLock { $0 } }

  func send(_ request: HTTPRequest, receive: HTTPBodyReceiver?) throws -> HTTPResponse {
    let number = kept.withLock { kept in
      kept.append(request)
      return kept.count
    }
    return try answer(request, number)
  }
}

/// Time that passes only when somebody waits or a test turns it.
final class HandClock: Sendable {
  private let ticks: Mutex<Int64>
  private let waits = Mutex<[Int]>([])
  init(seconds: Int64 = 1_700_000_000) { ticks = Mutex(seconds * 10_000_000) }
  var now: Int64 { ticks.withLock { $0 } }
  var waited: [Int] { waits.withLock { $0 } }
  func turn(seconds: Int64) { ticks.withLock { $0 += seconds * 10_000_000 } }
  func wait(_ milliseconds: Int) {
    waits.withLock { $0.append(milliseconds) }
    ticks.withLock { $0 += Int64(milliseconds) * 10_000 }
  }
}

/// Texts that were shown.
final class Messages: Sendable {
  private let kept = Mutex<[String]>([])
  var all: [String] { kept.withLock { $0 } }
  func add(_ text: String) { kept.withLock { $0.append(text) } }
}

/// The world as a test wants it.
struct World {
  var clock = HandClock()
  var messages = Messages()
  var transport: AnsweringTransport
  var environment: [String: String] = [:]
  var isInteractive = false
  var run: @Sendable ([String], Int) throws -> ProgramOutput = { arguments, _ in throw KConnectError(.pathNotFound, "cannot start '\(arguments[0])'") }

  init(_ answer: @escaping @Sendable (HTTPRequest, Int) throws -> HTTPResponse) { transport = AnsweringTransport(answer) }

  var context: CredentialContext {
    let (clock, messages, environment) = (clock, messages, environment)
    return CredentialContext(
      transport: transport, now: { clock.now }, wait: { clock.wait($0) }, environment: { environment[$0] }, run: run, tell: { messages.add($0) }, isInteractive: isInteractive)
  }

  /// The provider that options, a connection string, a profile and the environment give.
  func provider(
    _ options: [String: String] = [:], connectionString: String? = nil, profile: [String: String] = [:], endpoint: String? = "https://help.kusto.windows.net"
  ) throws -> any TokenProvider {
    try Authentication.provider(
      options: try authenticationOptions(options), connectionString: try connectionString.map { try KustoConnectionString($0) }, profile: profile.map { ($0.key, $0.value) },
      endpoint: endpoint, context: context, cache: TokenCache())
  }
}

func authenticationOptions(_ given: [String: String]) throws -> DataSourceOptions {
  try DataSourceOptions(source: "kusto", specs: AuthenticationOptions.specs, given: given.map { ($0.key, $0.value) }, use: .read)
}

let help = TokenResource(endpoint: "https://help.kusto.windows.net")

/// A JSON answer.
func json(_ text: String, status: Int = 200, headers: [String: String] = [:]) -> HTTPResponse {
  HTTPResponse(status: status, headers: headers, body: Array(text.utf8))
}

/// The form of a request, decoded.
func form(_ request: HTTPRequest) -> [String: String] {
  var out: [String: String] = [:]
  for pair in String(decoding: request.body ?? [], as: UTF8.self).split(separator: "&") {
    let name = pair.prefix { $0 != "=" }
    out[percentDecoded(name)] = percentDecoded(pair.dropFirst(name.count + 1))
  }
  return out
}

/// An answer of an identity service: tokens `T1`, `T2`, … by the number of the request.
func identity(_ request: HTTPRequest, _ number: Int) throws -> HTTPResponse {
  if request.url.hasSuffix("/v1/rest/auth/metadata") { return HTTPResponse(status: 404) }
  return json("{\"token_type\":\"Bearer\",\"expires_in\":3600,\"access_token\":\"T\(number)\"}")
}

/// The error of `body`; fails the test when there is none.
func failure(_ body: () throws -> Void) -> KConnectError {
  do { try body() } catch let error as KConnectError { return error } catch { Issue.record("another error: \(error)") }
  Issue.record("no error")
  return KConnectError(.internalError, "")
}

/// A fresh directory, removed at the end.
final class Place {
  let path = "/tmp/kconnect-test-" + randomIdentifier()
  init() { mkdir(path, 0o755) }
  deinit { _ = FileSystem.system.removeTree(path) }
  func callAsFunction(_ name: String) -> String { joinPath(path, name) }

  func put(_ name: String, _ text: String) -> String {
    let path = joinPath(path, name)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var text = text
    text.withUTF8 { _ = write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    return path
  }
}

/// Runs a program; its exit status and output.
func shell(_ arguments: [String]) throws -> ProgramOutput { try Subprocess.run(arguments, 60_000) }

/// The OpenSSL program makes certificates for the tests.
let hasOpenSSL = (try? shell(["openssl", "version"]).status) == 0
/// Python with the judges' packages.
let judgePython: String? = getenv("KCONNECT_PYTHON").map { String(cString: $0) }
let hasJWTJudge = judgePython.map { (try? shell([$0, "-c", "import jwt, cryptography"]).status) == 0 } ?? false
