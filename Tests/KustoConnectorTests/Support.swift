// Role: what the tests of the connector share: a scripted transport, a clock that does not wait, answers written down.

import Columnar
import DataSource
import KustoConnector
import KustoWire
import Synchronization

/// Answers requests from a closure and remembers them.
final class ScriptedTransport: HTTPTransport {
  struct Reply {
    var status = 200
    var headers: [String: String] = [:]
    var body = ""
    /// Thrown after the body was received.
    var failure: KConnectError?
    var pieceBytes = 1 << 20
  }

  private let answer: @Sendable (HTTPRequest, Int) throws -> Reply
  private let seen = Mutex<[HTTPRequest]>([])

  init(_ answer: @escaping @Sendable (HTTPRequest, Int) throws -> Reply) { self.answer = answer }

  var requests: [HTTPRequest] { seen.withLock { $0 } }
  /// The text of each query and command.
  var texts: [String] { requests.compactMap { Self.text($0) } }

  static func text(_ request: HTTPRequest) -> String? {
    guard let body = request.body, let value = try? DynamicValue(parsing: String(decoding: body, as: UTF8.self)), case .string(let csl)? = value["csl"] else { return nil }
    return csl
  }

  func send(_ request: HTTPRequest, receive: HTTPBodyReceiver?) throws -> HTTPResponse {
    let number = seen.withLock { seen in
      seen.append(request)
      return seen.count
    }
    let reply = try answer(request, number)
    guard reply.status == 200, let receive else {
      if let failure = reply.failure { throw failure }
      return HTTPResponse(status: reply.status, headers: reply.headers, body: Array(reply.body.utf8))
    }
    let bytes = Array(reply.body.utf8)
    var at = 0
    while at < bytes.count {
      let end = min(bytes.count, at + reply.pieceBytes)
      let goesOn = try bytes[at..<end].withUnsafeBytes { try receive($0) }
      if !goesOn { break }
      at = end
    }
    if let failure = reply.failure { throw failure }
    return HTTPResponse(status: 200, headers: reply.headers)
  }
}

/// Time passes when someone waits.
final class ManualClock: RetryClock {
  private let state = Mutex((now: Int64(17_000_000_000_000_000), waits: [Int]()))
  var waits: [Int] { state.withLock { $0.waits } }
  var nowTicks: Int64 { state.withLock { $0.now } }
  func random() -> Double { 0.5 }
  func wait(milliseconds: Int) {
    state.withLock { state in
      state.now += Int64(milliseconds) * 10_000
      state.waits.append(milliseconds)
    }
  }
}

enum Answers {
  /// A v2 answer with one result.
  static func v2(_ columns: String, _ rows: String) -> String {
    """
    [{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0","IsFragmented":false,"ErrorReportingPlacement":"InData"},
    {"FrameType":"DataTable","TableId":0,"TableKind":"QueryProperties","TableName":"@ExtendedProperties","Columns":[{"ColumnName":"TableId","ColumnType":"int"},{"ColumnName":"Key","ColumnType":"string"},{"ColumnName":"Value","ColumnType":"dynamic"}],"Rows":[[1,"Visualization","{\\"Visualization\\":\\"barchart\\",\\"Title\\":null}"]]},
    {"FrameType":"DataTable","TableId":1,"TableKind":"PrimaryResult","TableName":"PrimaryResult","Columns":[\(Self.columns(columns))],"Rows":[\(rows)]},
    {"FrameType":"DataSetCompletion","HasErrors":false,"Cancelled":false}]
    """
  }

  static func v1(_ columns: String, _ rows: String) -> String {
    let shown = columns.split(separator: ",").map { part -> String in
      let pair = part.split(separator: ":").map { String($0) }
      return "{\"ColumnName\":\"\(pair[0])\",\"ColumnType\":\"\(pair[1])\"}"
    }
    return "{\"Tables\":[{\"TableName\":\"Table_0\",\"Columns\":[\(shown.joined(separator: ","))],\"Rows\":[\(rows)]}]}"
  }

  /// `a:long,b:string` as the members of `Columns`.
  static func columns(_ text: String) -> String {
    text.split(separator: ",").map { part -> String in
      let pair = part.split(separator: ":").map { String($0) }
      return "{\"ColumnName\":\"\(pair[0])\",\"ColumnType\":\"\(pair[1])\"}"
    }.joined(separator: ",")
  }

  static func error(_ code: String, _ message: String, permanent: Bool) -> String {
    "{\"error\":{\"code\":\"\(code)\",\"message\":\"Request is invalid.\",\"@type\":\"Kusto.X\",\"@message\":\"\(message)\",\"@permanent\":\(permanent)}}"
  }
}

/// Everything a reader told, as text.
func events(_ format: AnswerFormat, _ text: String, pieces: Int = 1 << 20) throws -> String {
  var out: [String] = []
  var rows: [Int: [String]] = [:]
  let reader = AnswerReader(format) { event in
    switch event {
    case .begin(let table): out.append("begin \(table.id) \(table.kind) \(table.name) (\(table.schema))")
    case .rows(let table, let batch):
      if let broken = batch.brokenInvariant() { throw KConnectError(.internalError, broken) }
      for i in 0..<batch.rowCount {
        rows[table.id, default: []].append(batch.row(i).map { scalar in
          if scalar.isNull { return "null" }
          if case .dynamic(let value) = scalar { return value.json }
          return ScalarText.text(scalar) ?? ""
        }.joined(separator: "|"))
      }
    case .restart(let table):
      rows[table.id] = []
      out.append("restart \(table.id)")
    case .end(let table, let count):
      out += rows[table.id] ?? []
      out.append("end \(table.id) \(count)")
    }
  }
  let bytes = Array(text.utf8)
  var at = 0
  while at < bytes.count {
    let end = min(bytes.count, at + pieces)
    try bytes[at..<end].withUnsafeBytes { try reader.append($0) }
    at = end
  }
  try reader.finish()
  return out.joined(separator: "\n")
}
