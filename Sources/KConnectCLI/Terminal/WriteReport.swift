// Role: the closing line of a write on stderr, or the closing JSON object.

import DataSource
import KConnect

struct WriteReport {
  let summary: WriteSummary
  let metrics: ScanMetrics
  let seconds: Double
  let target: String

  func print(_ context: Context) {
    let notes = metrics.notes
    if context.progress == .json {
      StandardStreams.error(
        "{\"event\":\"summary\",\"target\":\(ValueText.quoted(target)),\"skipped\":\(summary.isSkipped),\"rows\":\(summary.rows),\"bytes\":\(summary.bytes),"
          + "\"files\":\(summary.files),\"rowsRead\":\(metrics.rowsRead),\"bytesRead\":\(metrics.bytesRead),\"durationMs\":\(Int(seconds * 1_000)),"
          + "\"notes\":[\(notes.map(ValueText.quoted).joined(separator: ","))]}\n")
      return
    }
    guard !context.isQuiet else { return }
    for note in notes { ErrorReport.note(note) }
    if summary.isSkipped {
      StandardStreams.error("skipped: \(summary.skipReason ?? "'\(target)' is there already")\n")
      return
    }
    let files = summary.files == 1 ? "1 file" : "\(summary.files) files"
    let rate = seconds > 0.05 ? ", \(Measures.count(Int(Double(summary.rows) / seconds))) rows/s" : ""
    StandardStreams.error("wrote \(summary.rows) rows, \(Measures.bytes(summary.bytes)), \(files) to '\(target)' in \(Measures.time(seconds))\(rate)\n")
  }
}
