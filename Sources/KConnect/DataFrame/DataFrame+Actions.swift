// Role: actions: they run the plan. The engine blocks on threads of its own; callers only suspend.

import Columnar
public import DataSource
import Engine
import Synchronization

extension DataFrame {
  /// All rows. The whole result is held in memory; use `batches()` for large ones.
  public func collect() async throws(KConnectError) -> [Row] { try await toBatches().flatMap(\.rows) }

  /// All rows in columnar form, held in memory.
  public func toBatches() async throws(KConnectError) -> [Batch] {
    let execution = try session.execution(plan)
    return try await BlockingThread.run(cancel: { execution.cancel() }) { try Self.runAll(execution) }
  }

  private static func runAll(_ execution: QueryExecution) throws -> [Batch] {
    var out: [Batch] = []
    try execution.run { batch in
      out.append(Batch(batch))
      return true
    }
    return out
  }

  /// All batches on the calling thread, which blocks; for synchronous programs inside the package.
  package func blockingBatches() throws(KConnectError) -> [Batch] {
    let execution = try session.execution(plan)
    return try publicErrors { try Self.runAll(execution) }
  }

  /// The batches as they are made, in row order: memory stays flat however large the result.
  ///
  ///     for try await batch in df.batches() { print(batch.rowCount) }
  public func batches() -> BatchStream { BatchStream(frame: self) }

  /// The number of rows.
  public func count() async throws(KConnectError) -> Int {
    let rows = try await DataFrame(session: session, plan: plan.count()).collect()
    guard let row = rows.first, let n = try row[0, as: Int.self] else { throw KConnectError(.internalError, "count() gave no row") }
    return n
  }

  /// The first row, nil when there is none.
  public func first() async throws(KConnectError) -> Row? { try await take(1).first }

  /// The first row, nil when there is none.
  public func head() async throws(KConnectError) -> Row? { try await first() }

  /// The first `count` rows.
  public func head(_ count: Int) async throws(KConnectError) -> [Row] { try await take(count) }

  /// The first `count` rows.
  public func take(_ count: Int) async throws(KConnectError) -> [Row] { try await limit(count).collect() }

  /// True when there is no row.
  public func isEmpty() async throws(KConnectError) -> Bool { try await take(1).isEmpty }

  /// The first rows as an aligned table. `truncate` cuts cells longer than 20 characters.
  public func showString(_ count: Int = 20, truncate: Bool = true) async throws(KConnectError) -> String {
    guard count >= 0 else { throw KConnectError(.usage, "show: found \(count), expected 0 or more") }
    let rows = try await take(Swift.min(count, Int.max - 1) + 1)
    let cells = rows.prefix(count).map { $0.values.map(TableText.cell) }
    let table = TableText.render(schema: schema, rows: Array(cells), maxWidth: nil, maxCell: truncate ? 20 : nil)
    return table + (rows.count > count ? "only showing top \(count) rows\n" : "")
  }

  /// Prints the first rows as an aligned table.
  public func show(_ count: Int = 20, truncate: Bool = true) async throws(KConnectError) {
    print(try await showString(count, truncate: truncate), terminator: "")
  }

  /// The plan as text: `.simple` the optimised plan, `.extended` all stages, `.analyze` runs it and adds rows, bytes, pruning and times.
  public func explainString(_ mode: ExplainLevel = .simple) async throws(KConnectError) -> String {
    let execution = try session.execution(plan)
    return try await BlockingThread.run(cancel: { execution.cancel() }) { try execution.explain(mode.mode) }
  }

  /// Prints the plan.
  public func explain(_ mode: ExplainLevel = .simple) async throws(KConnectError) { print(try await explainString(mode)) }

  /// All rows as Swift values of a `Decodable` type: properties are matched with columns by name. Throws TYPE_MISMATCH with row and column.
  ///
  ///     struct Storm: Codable { var State: String; var Deaths: Int? }
  ///     let storms = try await df.as(Storm.self)
  public func `as`<Value: Decodable & Sendable>(_ type: Value.Type) async throws(KConnectError) -> [Value] {
    let batches = try await toBatches()
    return try publicErrors {
      var out: [Value] = []
      var number = 0
      for batch in batches {
        for i in 0..<batch.rowCount {
          out.append(try RowDecoder.decode(type, from: batch[i], rowNumber: number))
          number += 1
        }
      }
      return out
    }
  }
}

/// How much `explain` shows.
public enum ExplainLevel: String, Sendable, CaseIterable {
  case simple, extended, analyze

  var mode: ExplainMode {
    switch self {
    case .simple: .simple
    case .extended: .extended
    case .analyze: .analyze
    }
  }
}
