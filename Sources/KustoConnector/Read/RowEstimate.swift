// Role: whether a query gives few rows, which then come directly, or many: an estimate, else a count, each in a short time.
// Source: the connector's heuristic: estimate_rows_count(), count, 5,000 rows, 3 seconds.

import Columnar
import DataSource
import KQL

extension ClusterReader {
  private static let fewRows = 5_000

  /// False also when the cluster cannot tell in time. `limit`: the most rows that are wanted.
  func hasFewRows(_ text: String, limit: Int?) throws -> Bool {
    if let limit, limit <= Self.fewRows { return true }
    var quick = self
    quick.client.retry.attempts = 1
    quick.client.properties.options.removeAll { $0.key.lowercased() == "servertimeout" }
    quick.client.properties.options.append(DynamicEntry("servertimeout", .string("00:00:03")))
    do {
      if let estimate = try quick.estimate(text) { return estimate <= Double(Self.fewRows) }
      return try quick.count(QueryTextShape(text)) <= Self.fewRows
    } catch let error as KConnectError where error.code != .cancelled { return false }
  }

  /// Nil where the cluster gives none.
  private func estimate(_ text: String) throws -> Double? {
    let value: Scalar?
    do { value = try self.value(text + "\n| evaluate estimate_rows_count()", activity: "estimateRowsCount") } catch let error as KConnectError
    where RequestFailure.of(error)?.status == 400 { return nil }
    switch value {
    case .long(let n)? where n > 0: return Double(n)
    case .int(let n)? where n > 0: return Double(n)
    case .real(let x)? where x > 0: return x
    default: return nil
    }
  }
}
