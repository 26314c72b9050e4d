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

    mutating func add(_ duration: Int) {
      count += 1
      milliseconds += duration
      for (i, bound) in Metrics.bounds.enumerated() where duration <= bound { buckets[i] += 1 }
    }
  }
  private struct Answer: Hashable {
    var route: String
    var status: Int
  }
  private struct State {
    var requests: [String: Series] = [:]
    var answers: [Answer: Int] = [:]
    var counters: [String: Int] = [:]
    var bytesIn = 0, bytesOut = 0
  }
  private let state = Guarded(State())
  /// Upper bounds of duration buckets in milliseconds.
  private static let bounds = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 60_000]

  /// A request that ended.
  func request(_ route: String, status: Int, milliseconds: Int, bytesIn: Int, bytesOut: Int) {
    state.withLock { state in
      state.requests[route, default: Series()].add(milliseconds)
      state.answers[Answer(route: route, status: status), default: 0] += 1
      state.bytesIn += bytesIn
      state.bytesOut += bytesOut
    }
  }

  /// Adds to a counter.
  func add(_ name: String, _ value: Int = 1) { state.withLock { $0.counters[name, default: 0] += value } }

  /// All counters, and gauges measured now.
  func text(gauges: [(name: String, help: String, value: Int)]) -> String {
    let state = state.withLock { $0 }
    var out = "# HELP kconnect_requests_total Requests answered.\n# TYPE kconnect_requests_total counter\n"
    for (answer, count) in state.answers.sorted(by: { ($0.key.route, $0.key.status) < ($1.key.route, $1.key.status) }) {
      out += "kconnect_requests_total{route=\"\(answer.route)\",status=\"\(answer.status)\"} \(count)\n"
    }
    out += "# HELP kconnect_request_duration_seconds Time from the request's head to the reply's end.\n# TYPE kconnect_request_duration_seconds histogram\n"
    for (route, series) in state.requests.sorted(by: { $0.key < $1.key }) {
      for (i, bound) in Self.bounds.enumerated() {
        out += "kconnect_request_duration_seconds_bucket{route=\"\(route)\",le=\"\(Self.seconds(bound))\"} \(series.buckets[i])\n"
      }
      out += "kconnect_request_duration_seconds_bucket{route=\"\(route)\",le=\"+Inf\"} \(series.count)\n"
      out += "kconnect_request_duration_seconds_sum{route=\"\(route)\"} \(Self.seconds(series.milliseconds))\n"
      out += "kconnect_request_duration_seconds_count{route=\"\(route)\"} \(series.count)\n"
    }
    let bytes = ["kconnect_received_bytes_total": state.bytesIn, "kconnect_sent_bytes_total": state.bytesOut]
    for (name, value) in state.counters.merging(bytes, uniquingKeysWith: +).sorted(by: { $0.key < $1.key }) { out += "# TYPE \(name) counter\n\(name) \(value)\n" }
    for gauge in gauges { out += "# HELP \(gauge.name) \(gauge.help)\n# TYPE \(gauge.name) gauge\n\(gauge.name) \(gauge.value)\n" }
    return out
  }

  private static func seconds(_ milliseconds: Int) -> String { ScalarText.text(.real(Double(milliseconds) / 1_000)) ?? "0" }
}
