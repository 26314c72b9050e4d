// Role: `.execute database script`: several commands, one after another.

import Columnar
import DataSource
import KQL

extension CommandRun {
  func scriptExecute() throws -> CommandOutput {
    guard let (text, _) = command.source("script") else { throw KConnectError(.internalError, "no script") }
    let properties = try properties(["ContinueOnErrors", "ThrowOnErrors"])
    let continues = try properties.bool("ContinueOnErrors") ?? false
    let throwsErrors = try properties.bool("ThrowOnErrors") ?? false
    if continues, throwsErrors { throw KConnectError(.optionInvalid, "ContinueOnErrors and ThrowOnErrors: only one of them can be true") }
    var rows: [[Scalar]] = []
    for piece in ScriptText.commands(text) {
      try cancellation.check()
      let inner = Request(text: piece, database: request.database, properties: request.properties)
      var kind = "Unknown"
      do {
        let command = try KQL.command(piece)
        kind = command.kind.typeName
        guard command.kind != .scriptExecute, !command.says("async") else {
          throw KConnectError(.notSupported, "not supported: \(command.says("async") ? "asynchronous commands" : "scripts") in a script")
        }
        try KQL.checkTail(of: command, piece)
        // What only shows something has no effect in a script.
        if command.kind.isReadOnly {
          rows.append([.guid(inner.activityId), .string(kind), .string(LoggedText.shortened(piece, command)), .string("Skipped"), .string("")])
          continue
        }
        let run = CommandRun(executor: executor, request: inner, command: command)
        _ = try run.logged()
        for note in run.notes.all { notes.add(note) }
        rows.append([.guid(run.operationId), .string(kind), .string(LoggedText.shortened(piece, command)), .string("Completed"), .string("")])
      } catch {
        if throwsErrors { throw error }
        let reason = Self.message(error) + ((error as? KConnectError)?.hint.map { " (\($0))" } ?? "")
        rows.append([.guid(inner.activityId), .string(kind), .string(LoggedText.hidingSecrets(piece)), .string("Failed"), .string(reason)])
        if !continues { break }
      }
    }
    return CommandOutput(Shapes.script, rows)
  }
}

/// The commands of a script.
enum ScriptText {
  /// A command starts at a line whose first sign is a dot, outside strings; comments between commands belong to none.
  static func commands(_ text: String) -> [String] {
    let bytes = Array(text.utf8)
    var starts: [Int] = []
    var i = 0
    var isLineStart = true
    while i < bytes.count {
      let byte = bytes[i]
      switch byte {
      case 0x0A, 0x0D: isLineStart = true
      case 0x20, 0x09: break
      case 0x2F where i + 1 < bytes.count && bytes[i + 1] == 0x2F:
        while i < bytes.count, bytes[i] != 0x0A { i += 1 }
        continue
      case 0x2E where isLineStart:
        starts.append(i)
        isLineStart = false
      case 0x22, 0x27:
        isLineStart = false
        let isVerbatim = i > 0 && bytes[i - 1] == 0x40
        i += 1
        while i < bytes.count, bytes[i] != byte, bytes[i] != 0x0A {
          if bytes[i] == 0x5C, !isVerbatim { i += 1 }
          i += 1
        }
      case 0x60 where i + 2 < bytes.count && bytes[i + 1] == 0x60 && bytes[i + 2] == 0x60:
        isLineStart = false
        i += 3
        while i + 2 < bytes.count, !(bytes[i] == 0x60 && bytes[i + 1] == 0x60 && bytes[i + 2] == 0x60) { i += 1 }
        i += 2
      default: isLineStart = false
      }
      i += 1
    }
    return starts.enumerated().map { n, start in
      var end = n + 1 < starts.count ? starts[n + 1] : bytes.count
      while true {
        while end > start, bytes[end - 1] <= 0x20 || bytes[end - 1] == 0x3B { end -= 1 }
        // Lines of comment in front of the next command.
        var line = end
        while line > start, bytes[line - 1] != 0x0A { line -= 1 }
        guard line > start, let sign = bytes[line..<end].firstIndex(where: { $0 > 0x20 }), sign + 1 < end, bytes[sign] == 0x2F, bytes[sign + 1] == 0x2F else { break }
        end = line
      }
      return String(decoding: bytes[start..<end], as: UTF8.self)
    }
  }
}
