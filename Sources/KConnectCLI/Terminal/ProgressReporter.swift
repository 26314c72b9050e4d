// Role: progress on stderr while a query runs: a bar on a terminal, or JSON lines on request. A thread of its own reads the counters.

import Columnar
import DataSource
import Engine
import KConnect
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// The words of `--progress`.
enum ProgressMode: String, CaseIterable {
  case auto, bar, json, none

  init(word: String) throws {
    guard let mode = Self(rawValue: word.lowercased()) else {
      let names = Self.allCases.map(\.rawValue)
      let near = nearestNames(to: word, among: names, limit: 1).first
      throw KConnectError(.usage, "unknown progress mode '\(word)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "modes: \(names.joined(separator: ", "))")
    }
    self = mode
  }
}

/// Shows how far a query is until `stop`.
final class ProgressReporter: Sendable {
  private enum Style: Sendable { case bar, json }
  private struct State: Sendable {
    var isStopped = false
    var hasDrawn = false
  }

  private let execution: QueryExecution
  private let style: Style
  private let started = WallClock.monotonicNanoseconds
  private let state = Mutex(State())

  /// Nil when nothing is to be shown. In mode auto a bar shows only where it cannot mix with the result.
  init?(_ execution: QueryExecution, mode: ProgressMode, resultGoesToTerminal: Bool) {
    switch mode {
    case .none: return nil
    case .json: style = .json
    case .bar: style = .bar
    case .auto:
      guard StandardStreams.isErrorTerminal, !resultGoesToTerminal else { return nil }
      style = .bar
    }
    self.execution = execution
    let reporter = self
    _ = SystemThread.start { reporter.loop() }
  }

  /// Ends the display; JSON gets a last line.
  func stop() {
    let hasDrawn = state.withLock { state in
      state.isStopped = true
      return state.hasDrawn
    }
    if style == .bar, hasDrawn { StandardStreams.error("\r\u{1B}[K") }
    if style == .json { StandardStreams.error(jsonLine(execution.progress)) }
  }

  private func loop() {
    let interval: UInt32 = style == .bar ? 100_000 : 500_000
    usleep(style == .bar ? 300_000 : interval)
    while true {
      let metrics = execution.progress
      let isStopped = state.withLock { state in
        if state.isStopped { return true }
        StandardStreams.error(style == .bar ? "\r\(bar(metrics))\u{1B}[K" : jsonLine(metrics))
        state.hasDrawn = true
        return false
      }
      if isStopped { return }
      usleep(interval)
    }
  }

  private var seconds: Double { Double(WallClock.monotonicNanoseconds - started) / 1e9 }

  /// `[=====>    ] 52 %  ETA 2 s  3.12 M rows  398.0 MB  190 MB/s  1.45 M rows/s`
  private func bar(_ metrics: ScanMetrics) -> String {
    let seconds = max(seconds, 0.001)
    var parts: [String] = []
    var drawing = ""
    if metrics.bytesTotal > 0 {
      let fraction = min(1, Double(metrics.bytesRead) / Double(metrics.bytesTotal))
      let cells = 20
      let full = Int(fraction * Double(cells))
      drawing = "[" + String(repeating: "=", count: full) + (full < cells ? ">" : "") + String(repeating: " ", count: max(0, cells - full - 1)) + "] "
      parts.append("\(Int(fraction * 100)) %")
    }
    if metrics.bytesTotal > metrics.bytesRead, metrics.bytesRead > 0 {
      parts.append("ETA \(Measures.time(seconds / Double(metrics.bytesRead) * Double(metrics.bytesTotal - metrics.bytesRead)))")
    }
    parts.append("\(Measures.count(metrics.rowsRead)) rows")
    parts.append(Measures.bytes(metrics.bytesRead))
    parts.append("\(Measures.bytes(Int(Double(metrics.bytesRead) / seconds)))/s")
    parts.append("\(Measures.count(Int(Double(metrics.rowsRead) / seconds))) rows/s")
    return TextWidth.fitted(drawing + parts.joined(separator: "  "), to: StandardStreams.errorWidth - 1)
  }

  private func jsonLine(_ metrics: ScanMetrics) -> String {
    "{\"event\":\"progress\",\"rows\":\(metrics.rowsRead),\"bytes\":\(metrics.bytesRead),\"bytesTotal\":\(metrics.bytesTotal),"
      + "\"files\":\(metrics.files),\"elapsedMs\":\(Int(seconds * 1_000)),\"rowsPerSecond\":\(Int(Double(metrics.rowsRead) / max(seconds, 0.001)))}\n"
  }
}
