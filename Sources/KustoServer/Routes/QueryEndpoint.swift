// Role: queries and management commands: the body to a request of the store, its results to an answer.

import Columnar
import DataSource
import KQL
import KustoStore
import KustoWire

extension KustoService {
  /// `/v1/rest/query`, which takes commands too, and `/v2/rest/query`, which does not.
  func query(_ scope: RequestScope, version: Int, _ reply: CountedReply) throws {
    let memory = TextMemory(configuration.requestMemory)
    defer { withExtendedLifetime(memory) {} }
    let body = try requestBody(scope, memory)
    let isCommand = CommandParser.isCommand(body.text)
    if isCommand, version == 2 {
      throw WireError(
        status: 400, code: "BadRequest_SyntaxError", type: "SyntaxException",
        detail: "Syntax error: A management command was sent to the query endpoint; send it to /v1/rest/mgmt: '\(RedactedText.redacted(body.text).prefix(200))'", isPermanent: true)
    }
    try working(scope) {
      try run(body, scope, isCommand: isCommand, reply) { context in
        if version == 1 { return AnswerVersion1(isCommand: isCommand, context) }
        let frames = try Self.frames(body.options)
        reply.isProgressive = frames.isProgressive
        return AnswerVersion2(frames, context)
      }
    }
  }

  /// `/v1/rest/mgmt`.
  func command(_ scope: RequestScope, _ reply: CountedReply) throws {
    let memory = TextMemory(configuration.requestMemory)
    defer { withExtendedLifetime(memory) {} }
    let body = try requestBody(scope, memory)
    guard CommandParser.isCommand(body.text) else {
      throw WireError(
        status: 400, code: "BadRequest_SyntaxError", type: "SyntaxException",
        detail: "Syntax error: A management command was expected, beginning with a dot; queries go to /v2/rest/query: '\(RedactedText.redacted(body.text).prefix(200))'", isPermanent: true)
    }
    try working(scope) { try run(body, scope, isCommand: true, reply) { AnswerVersion1(isCommand: true, $0) } }
  }

  private func requestBody(_ scope: RequestScope, _ memory: TextMemory) throws -> RequestBody {
    var body: RequestBody
    if scope.request.method == "GET" {
      guard let text = scope.request.parameter("csl") else { throw WireError.badRequest("The request has no query: the parameter 'csl' is missing") }
      body = RequestBody(database: scope.request.parameter("db").flatMap { $0.isEmpty ? nil : $0 }, text: text)
      if let properties = scope.request.parameter("properties") { try body.read(.string(properties)) }
      // Links may be followed by accident: they change nothing.
      body.options.set("request_readonly", .bool(true))
    } else {
      let bytes = try received(scope, limit: configuration.maxTextBytes) { try memory.hold(body: $0) }
      body = try RequestBody(json: String(decoding: bytes, as: UTF8.self))
    }
    let text = body.text
    try memory.hold(text: text)
    scope.text.withLock { $0 = text }
    return body
  }

  private static func frames(_ options: RequestOptions) throws -> FrameOptions {
    var frames = FrameOptions()
    frames.isProgressive = options.flag("results_progressive_enabled")
    frames.isFragmented = options.flag("results_v2_fragment_primary_tables")
    switch options.text("results_error_reporting_placement")?.lowercased() {
    case nil, "in_data"?: break
    case "end_of_table"?: frames.errorPlacement = .endOfTable
    case "end_of_dataset"?: frames.errorPlacement = .endOfDataset
    case let other?:
      throw KConnectError(.optionInvalid, "the request option 'results_error_reporting_placement' is '\(other.prefix(60))', expected in_data, end_of_table or end_of_dataset")
    }
    return frames
  }

  private func run(
    _ body: RequestBody, _ scope: RequestScope, isCommand: Bool, _ reply: CountedReply, writer: (ErrorContext) throws -> any AnswerWriter
  ) throws {
    try RefusedOptions.check(body.options)
    let database = try database(body.database, isCommand: isCommand)
    var properties = scope.properties(self)
    properties.options = try body.options.settings()
    properties.parameterTexts = body.parameters
    if let application = body.application { properties.application = String(application.prefix(256)) }
    let seconds = try AnswerLimits.timeout(body.options) ?? (isCommand ? configuration.commandTimeout : configuration.queryTimeout)
    try deadlines.limiting(seconds: seconds, properties.cancellation) { deadline in
      let result: RequestResult
      do {
        result = try executor.execute(body.text, database: database, properties)
      } catch {
        if deadline.hasFired { throw WireError.timeout(seconds: seconds) }
        // A text that is no command at all is a syntax error, whatever the parser calls it.
        if isCommand, var failure = error as? KConnectError, failure.code == .kqlSemantic, CommandParser.parse(body.text).command == nil {
          failure.code = .kqlSyntax
          throw WireError(failure, isCommand: true)
        }
        throw WireError(ofRequest: error, isCommand: isCommand)
      }
      let limits = try AnswerLimits(body.options, statements: result.statements)
      if let most = limits.columns, let table = result.tables.first(where: { $0.schema.count > most }) {
        throw WireError.truncated("\(most) columns (maxoutputcolumns); the result has \(table.schema.count) of them")
      }
      let stream = AnswerStream(
        writer: try writer(scope.errorContext(database: database)), reply: reply, limits: limits, deadline: deadline, isCommand: isCommand)
      try stream.send(result, AnswerFacts(clientRequestId: scope.clientRequestId, activityId: scope.activityId, startedOn: scope.startedOn))
    }
  }

  /// The store's database of a request. The clients' default need not exist; others must, but for commands, which say themselves what they miss.
  private func database(_ name: String?, isCommand: Bool) throws -> String? {
    guard let name else { return nil }
    if let found = try executor.databaseIfExists(name) { return found.name }
    if name == CommandExecutor.defaultDatabase { return nil }
    if isCommand { return name }
    throw WireError.databaseMissing(name)
  }
}

extension WireError {
  static func databaseMissing(_ name: String) -> WireError {
    WireError(
      status: 400, code: "BadRequest_DatabaseNotExist", type: "DatabaseNotFoundException",
      detail: "Entity ID '\(name.prefix(200))' of kind 'Database' was not found.", isPermanent: true)
  }

  static func tableMissing(_ name: String, database: String) -> WireError {
    WireError(
      status: 400, code: "BadRequest_TableNotExist", type: "TableNotFoundException",
      detail: "Entity ID '\(name.prefix(200))' of kind 'Table' was not found in the database '\(database)'.", isPermanent: true)
  }
}
