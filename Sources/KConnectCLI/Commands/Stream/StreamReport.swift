// Role: what a stream says while it runs and at its end: progress as JSON on request, one summary line, a file for Prometheus.

import DataSource
import FileConnector
import KConnect
import Streaming
import Synchronization

final class StreamReport: Sendable {
  private struct Totals: Sendable {
    var batches = 0, rowsIn = 0, rowsOut = 0, skipped = 0, emptyTriggers = 0, warnings = 0
    var first: Int?
    var last: StreamingQueryProgress?
  }

  private let context: Context
  private let metricsFile: String?
  private let target: String
  private let totals = Mutex(Totals())
  private let started = WallClock.monotonicNanoseconds

  init(context: Context, metricsFile: String?, target: String) {
    self.context = context
    self.metricsFile = metricsFile
    self.target = target
  }

  func add(_ progress: StreamingQueryProgress) {
    let now = totals.withLock { totals in
      totals.batches += 1
      totals.rowsIn += progress.numInputRows
      totals.rowsOut += progress.numOutputRows
      if progress.isSkipped { totals.skipped += 1 }
      if totals.first == nil { totals.first = progress.batchId }
      totals.last = progress
      return totals
    }
    if context.progress == .json { StandardStreams.error(progress.json + "\n") }
    writeMetrics(now, failed: false)
  }

  /// A remark of a source: said at once, counted in the summary.
  func warn(_ text: String) {
    totals.withLock { $0.warnings += 1 }
    context.warn(text)
  }

  /// Batches, rows and warnings so far.
  var counts: (batches: Int, rowsIn: Int, rowsOut: Int, warnings: Int) { totals.withLock { ($0.batches, $0.rowsIn, $0.rowsOut, $0.warnings) } }

  private var seconds: Double { Double(WallClock.monotonicNanoseconds - started) / 1e9 }

  /// The one line of an unattended run.
  func finish(_ execution: MicroBatchExecution) {
    let totals = totals.withLock { totals in
      totals.emptyTriggers = execution.emptyTriggerCount
      return totals
    }
    writeMetrics(totals, failed: false)
    guard !context.isQuiet else { return }
    let warnings = Self.text(warnings: totals.warnings)
    guard let last = totals.last, let first = totals.first else {
      StandardStreams.error("nothing new for '\(target)' (query \(execution.id.prefix(8)), \(Measures.time(seconds)))\(warnings)\n")
      return
    }
    let range = first == last.batchId ? "batch \(first)" : "batches \(first) to \(last.batchId)"
    let skipped = totals.skipped == 0 ? "" : ", \(totals.skipped) of them were there already"
    StandardStreams.error(
      "wrote \(totals.rowsOut) rows in \(totals.batches) \(totals.batches == 1 ? "batch" : "batches") (\(range)\(skipped)) to '\(target)' in \(Measures.time(seconds))\(warnings)\n")
  }

  /// The end of a summary line: `, 2 warnings`, or nothing.
  static func text(warnings: Int) -> String { warnings == 0 ? "" : ", \(warnings) \(warnings == 1 ? "warning" : "warnings")" }

  func fail(_ error: KConnectError) { writeMetrics(totals.withLock { $0 }, failed: true) }

  /// Replaces the file at once, so that a collector never reads half of it.
  private func writeMetrics(_ totals: Totals, failed: Bool) {
    guard let metricsFile else { return }
    var text = ""
    func gauge(_ name: String, _ help: String, _ value: Int) {
      text += "# HELP kconnect_stream_\(name) \(help)\n# TYPE kconnect_stream_\(name) gauge\nkconnect_stream_\(name) \(value)\n"
    }
    gauge("batches", "Batches done by this run.", totals.batches)
    gauge("rows_in", "Rows read by this run.", totals.rowsIn)
    gauge("rows_out", "Rows written by this run.", totals.rowsOut)
    gauge("last_batch_id", "The last batch that was committed, -1 for none.", totals.last?.batchId ?? -1)
    gauge("last_batch_timestamp_ms", "When the last batch began, milliseconds since 1970.", Int(totals.last?.timestampMs ?? 0))
    gauge("files_outstanding", "Files that wait for a batch.", totals.last?.sources.compactMap { $0.metrics["numFilesOutstanding"] }.reduce(0, +) ?? 0)
    gauge("empty_triggers", "Looks at the sources that found nothing, known at the end of the run.", totals.emptyTriggers)
    gauge("warnings", "Remarks of sources on what was left out.", totals.warnings)
    gauge("failed", "1 when the run failed.", failed ? 1 : 0)
    do { try SmallFile.replace(metricsFile, with: text.utf8) } catch { context.note("metrics: \(KConnectError(converting: error).message)") }
  }
}
