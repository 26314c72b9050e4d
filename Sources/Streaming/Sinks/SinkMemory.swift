// Role: what a sink remembers of a query, asked without the query: for repairs of checkpoints and for those who start over.

import DataSource
import Delta
import DeltaConnector
import KustoStore

package enum SinkMemory: Sendable, Equatable {
  /// The newest batch of the query that the sink has; nil when it has none.
  case newest(Int?)
  /// The sink keeps no record, or cannot be reached from here.
  case unknown

  /// `pins` is what the checkpoint says of the sink (`kconnect.sink`, `kconnect.sink.store`); `store` goes before it.
  package init(pins: [String: String], queryId: String, store: String? = nil) throws {
    let store = store ?? pins["kconnect.sink.store"]
    guard let identity = pins["kconnect.sink"], let colon = identity.firstIndex(of: ":") else {
      self = .unknown
      return
    }
    let path = String(identity[identity.index(after: colon)...])
    switch identity[..<colon] {
    case "parquet", "csv", "json":
      guard pathKind(path) == .directory else {
        self = .unknown
        return
      }
      self = .newest(try BatchManifests(BatchManifests.place(in: path, queryId: queryId), .system).batches().max())
    case "delta":
      let log = DeltaLog(path: try DeltaProvider.directory(path))
      guard log.exists else {
        self = .unknown
        return
      }
      self = .newest(try log.snapshot().transactions[queryId].map { Int($0.version) })
    // Tables of clusters are not asked.
    case "kusto" where !path.contains("://"):
      guard OpenStores.exists(store ?? OpenStores.defaultPath) else {
        self = .unknown
        return
      }
      self = .newest(try StoreTables.recordedTransaction(store: store, table: path, application: queryId).map { Int($0) })
    default: self = .unknown
    }
  }

  /// True when the sink has that batch; nil when nobody knows.
  func has(_ batch: Int) -> Bool? {
    switch self {
    case .newest(let newest): (newest ?? -1) >= batch
    case .unknown: nil
    }
  }
}
