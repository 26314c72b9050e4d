// Role: the results of a request as an answer's bytes, batch by batch. Until the first bytes have left, a failure is a status; afterwards it
// stands in the answer.

import Columnar
import DataSource
import Engine
import KConnect
import KustoStore
import KustoWire

struct AnswerStream {
  let writer: any AnswerWriter
  let reply: CountedReply
  let limits: AnswerLimits
  let deadline: Deadline
  let isCommand: Bool
  /// Bytes that gather before they are sent.
  private static let chunk = 1 << 16
  /// Rows that are encoded before the limit of bytes is looked at.
  private static let limitStep = 8_192

  /// Runs the tables and sends them. Throws the failure when nothing was sent, and CANCELLED when the client went away.
  func send(_ result: RequestResult, _ facts: AnswerFacts) throws {
    var facts = facts
    let cpu = Self.processTicks
    writer.begin(result.tables.map { AnswerTable(name: $0.name, schema: $0.schema, visualization: $0.visualization) })
    var failure: WireError?
    for (i, table) in result.tables.enumerated() {
      writer.beginTable(i)
      failure = try send(table, of: result, &facts)
      writer.endTable(failure, isDeferred: limits.isDeferred && failure?.code == "LimitsExceeded")
      if failure != nil { break }
    }
    facts.finishedOn = StoreClock.nowTicks
    facts.cpu = Self.processTicks - cpu
    writer.end(facts, failure, isDeferred: limits.isDeferred && failure?.code == "LimitsExceeded")
    try flush(isLast: true)
  }

  /// Sends one table's rows; answers why rows are missing.
  private func send(_ table: ResultTable, of result: RequestResult, _ facts: inout AnswerFacts) throws -> WireError? {
    var rows = 0, bytes = 0
    var cut: WireError?
    var running: QueryExecution?
    defer {
      facts.tables.append((rows, bytes))
      if let running {
        facts.peakMemory = max(facts.peakMemory, running.peakMemory)
        facts.rowsScanned += running.progress.rowsRead
        facts.bytesScanned += running.progress.bytesRead
      }
    }
    let before = facts.tables.reduce((rows: 0, bytes: 0)) { ($0.rows + $1.rows, $0.bytes + $1.bytes) }
    do {
      try result.run(table, started: { running = $0 }) { batch in
        var batch = batch
        if let take = limits.take, rows + batch.rowCount > take { batch = batch.slice(0..<max(0, take - rows)) }
        if let limit = limits.rows, before.rows + rows + batch.rowCount > limit {
          batch = batch.slice(0..<max(0, limit - before.rows - rows))
          cut = .truncated("\(limit) records")
        }
        let step = limits.bytes == nil ? max(1, batch.rowCount) : Self.limitStep
        for start in stride(from: 0, to: batch.rowCount, by: step) {
          let part = start == 0 && step >= batch.rowCount ? batch : batch.slice(start..<min(batch.rowCount, start + step))
          let length = writer.out.length
          writer.rows(part)
          rows += part.rowCount
          bytes += writer.out.length - length
          if let limit = limits.bytes, before.bytes + bytes > limit {
            cut = .truncated("\(limit) bytes")
            break
          }
        }
        if let version2 = writer as? AnswerVersion2, let progress = running?.progress, progress.bytesTotal > 0 {
          version2.progress(min(100, 100 * Double(progress.bytesRead) / Double(progress.bytesTotal)))
        }
        try flush(isLast: false)
        return cut == nil && limits.take.map { rows < $0 } ?? true
      }
    } catch let error as ClientLeft {
      throw error
    } catch {
      let failure = deadline.hasFired ? WireError.timeout(seconds: deadline.seconds) : WireError(ofRequest: error, isCommand: isCommand)
      if !reply.hasStarted { throw failure }
      return failure
    }
    return cut
  }

  private func flush(isLast: Bool) throws {
    guard isLast || writer.out.length >= Self.chunk else { return }
    let bytes = writer.out.finish()
    if !reply.hasStarted { try reply.start(ReplyHead(200, [("Content-Type", "application/json")], length: isLast ? bytes.count : nil)) }
    try reply.write(bytes)
  }

  /// Ticks of processor time of the process: with requests side by side more than this one took.
  private static var processTicks: Int64 { ProcessClock.ticks }
}

extension WireError {
  /// What is answered to any error: those of expressions, which rows can cause, are the request's.
  init(ofRequest error: any Error, isCommand: Bool = false) {
    if let error = error as? WireError { self = error } else { self.init(KConnectError(converting: error), isCommand: isCommand) }
  }
}

/// The client closed the connection.
struct ClientLeft: Error {}
