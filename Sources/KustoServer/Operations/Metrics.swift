// Role: counters of the server in Prometheus' text form.
// Source: Prometheus, "Exposition formats", text format 0.0.4.

import Columnar
import DataSource

/// What the server counts.
final class Metrics: Sendable {
  private struct Series {
    var count = 0
    var milliseconds = 0
    var buckets = [Int](repeating: 0, count: Metrics.bounds.count)
  }
  private struct State {
    var requests: [String: Series] = [:]
    var statuses: [String: Int] = [:]
    var counters: [String: Int] = [:]
  }
  private let state = Guarded(State())
  /// Upper bounds of duration buckets in milliseconds.
  private static let bounds = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 60_000]

  /// A request that ended.
  func request(_ route: String, status: Int, milliseconds: Int, bytesIn: Int, bytesOut: Int) {
    state.withLock { state in
      var series = state.requests[route] ?? Series()
      series.count += 1
      series.milliseconds += milliseconds
      for (i, bound) in Self.bounds.enumerated() where milliseconds <= bound { series.buckets[i] += 1 }
      state.requests[route] = series
      state.statuses["\(route)\",status=\"\(status)", default: 0] += 1
      state.counters["kconnect_received_bytes_total", default: 0] += bytesIn
      state.counters["kconnect_sent_bytes_total", default: 0] += bytesOut
    }
  }

  /// Adds to a counter.
  func add(_ name: String, _ value: Int = 1) { state.withLock { $0.counters[name, default: 0] += value } }

  /// All counters, and gauges measured now.
  func text(gauges: [(name: String, help: String, value: Int)]) -> String {
    let state = state.withLock { $0 }
    var out = "# HELP kconnect_requests_total Requests answered.\n# TYPE kconnect_requests_total counter\n"
    for (label, count) in state.statuses.sorted(by: { $0.key < $1.key }) { out += "kconnect_requests_total{route=\"\(label)\"} \(count)\n" }
    out += "# HELP kconnect_request_duration_seconds Time from the request's head to the reply's end.\n# TYPE kconnect_request_duration_seconds histogram\n"
    for (route, series) in state.requests.sorted(by: { $0.key < $1.key }) {
      for (i, bound) in Self.bounds.enumerated() {
        out += "kconnect_request_duration_seconds_bucket{route=\"\(route)\",le=\"\(Self.seconds(bound))\"} \(series.buckets[i])\n"
      }
      out += "kconnect_request_duration_seconds_bucket{route=\"\(route)\",le=\"+Inf\"} \(series.count)\n"
      out += "kconnect_request_duration_seconds_sum{route=\"\(route)\"} \(Self.seconds(series.milliseconds))\n"
      out += "kconnect_request_duration_seconds_count{route=\"\(route)\"} \(series.count)\n"
    }
    for (name, value) in state.counters.sorted(by: { $0.key < $1.key }) { out += "# TYPE \(name) counter\n\(name) \(value)\n" }
    for gauge in gauges { out += "# HELP \(gauge.name) \(gauge.help)\n# TYPE \(gauge.name) gauge\n\(gauge.name) \(gauge.value)\n" }
    return out
  }

  private static func seconds(_ milliseconds: Int) -> String { ScalarText.text(.real(Double(milliseconds) / 1_000)) ?? "0" }
}
