// Role: where a file stream begins: at a time or behind a name. Settled at the first start and kept in the source's log, so that "now" stays
// that moment and a changed option does not change a running stream.

import Columnar
import DataSource
import Delta

struct StartPoint {
  /// Files modified before this are not read, milliseconds since 1970.
  var fromMs: Int64?
  /// Files whose names do not sort behind this are not read.
  var afterName: String?

  static let none = StartPoint()

  /// From the options, or from the log when the stream has begun before. Throws OPTION_INVALID.
  static func settle(_ options: DataSourceOptions, _ file: SourceFile, hasBegun: Bool, nowMs: () -> Int64) throws -> StartPoint {
    if let lines = try file.read() {
      let value = try JSONTree.parse(Array((lines.first ?? "").utf8), place: "'\(file.path)'")
      return StartPoint(fromMs: value.integer("fromMs").map(Int64.init), afterName: value.text("afterName"))
    }
    let point = StartPoint(fromMs: try time(options.string("startingTimestamp"), nowMs), afterName: options.string("startingAfter"))
    guard point.fromMs != nil || point.afterName != nil else { return none }
    if hasBegun {
      throw KConnectError(
        .checkpointConflict, "startingTimestamp and startingAfter say where a stream begins; this one has begun", hint: "leave them out, or use another checkpoint directory")
    }
    var members: [(String, DynamicValue)] = []
    if let fromMs = point.fromMs { members.append(("fromMs", .long(fromMs))) }
    if let afterName = point.afterName { members.append(("afterName", .string(afterName))) }
    try file.put([DynamicValue.object(members).json])
    return point
  }

  private static func time(_ text: String?, _ nowMs: () -> Int64) throws -> Int64? {
    guard let text else { return nil }
    if text.lowercased() == "latest" || text.lowercased() == "now" { return nowMs() }
    if let milliseconds = Int64(text) { return milliseconds }
    guard case .datetime(let ticks)? = ScalarText.parse(text, as: .datetime) else {
      throw KConnectError(
        .optionInvalid, "option 'startingTimestamp': found '\(text.prefix(80))', expected a time such as 2024-01-31T00:00:00, milliseconds since 1970, or latest")
    }
    return ticks / 10_000
  }

  func allows(_ file: SeenFile) -> Bool {
    if let fromMs, file.modifiedMs < fromMs { return false }
    if let afterName, !afterName.utf8.lexicographicallyPrecedes(lastPathComponent(file.path).utf8) { return false }
    return true
  }
}
