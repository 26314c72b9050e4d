// Role: settings of a session that may change while it runs: `spark.conf`.

import Columnar
public import DataSource
import Streaming
import Synchronization

/// Settings by their names in Spark. A name that means nothing here is an error, not silence.
public final class RuntimeConfig: Sendable {
  static let checkpointLocation = "spark.sql.streaming.checkpointLocation"
  static let multipleWatermarkPolicy = "spark.sql.streaming.multipleWatermarkPolicy"
  private static let known = [checkpointLocation, multipleWatermarkPolicy]
  private let values = Mutex<[String: String]>([:])

  init() {}

  /// Sets a value: `spark.sql.streaming.checkpointLocation` is the directory under which streaming queries without a checkpoint of their own
  /// have one, named after the query, or after its target; `spark.sql.streaming.multipleWatermarkPolicy` is `min` (the default) or `max`.
  /// Throws CONFIGURATION for other names and values.
  public func set(_ key: String, _ value: String) throws(KConnectError) {
    try RuntimeConfig.check(key)
    if key == RuntimeConfig.multipleWatermarkPolicy, WatermarkPolicy(rawValue: value.lowercased()) == nil {
      throw KConnectError(.configuration, "'\(key)': found '\(value.prefix(80))', expected min or max")
    }
    values.withLock { $0[key] = value }
  }

  /// The value, nil when it is not set. Throws CONFIGURATION for unknown names.
  public func get(_ key: String) throws(KConnectError) -> String? {
    try RuntimeConfig.check(key)
    return values.withLock { $0[key] }
  }

  /// Takes a value back. Throws CONFIGURATION for unknown names.
  public func unset(_ key: String) throws(KConnectError) {
    try RuntimeConfig.check(key)
    values.withLock { $0[key] = nil }
  }

  private static func check(_ key: String) throws(KConnectError) {
    if known.contains(key) { return }
    let near = nearestNames(to: key, among: known, limit: 1).first
    throw KConnectError(.configuration, "unknown setting '\(key)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "settings: \(known.joined(separator: ", "))")
  }
}
