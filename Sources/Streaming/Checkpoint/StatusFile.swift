// Role: `status.json` of a checkpoint: the last progress of its query and what ended its last run, for people and monitors. Nothing that
// runs depends on it: it is replaced without fsync, and one that cannot be written or read is no failure.

package import Columnar
import DataSource
import Delta

/// How a query stood when it last said so.
package struct StatusFile {
  /// The last progress, as Spark writes it.
  package var progress: DynamicValue?
  /// What ended the last run early, `[CODE] message`, until a batch is done.
  package var failure: String?
  /// When it failed.
  package var failureTime: String?

  private static let name = "status.json"

  /// Nil where there is none that can be read.
  package static func read(_ checkpoint: String) -> StatusFile? {
    let path = joinPath(checkpoint, name)
    guard let bytes = try? SmallFile.read(path, limit: 1 << 24), let tree = try? JSONTree.parse(bytes, place: path) else { return nil }
    return StatusFile(progress: tree["progress"], failure: tree["failure"]?.text("error"), failureTime: tree["failure"]?.text("timestamp"))
  }

  /// `progress` is the text of a progress record.
  static func write(_ checkpoint: String, progress: String?, failure: KConnectError?, now: Int64) {
    var members: [(String, DynamicValue)] = []
    if let progress, let tree = try? JSONTree.parse(Array(progress.utf8), place: name) { members.append(("progress", tree)) }
    if let failure {
      members.append(("failure", .object([("timestamp", .string(StreamClock.text(now))), ("error", .string("[\(failure.code)] \(failure.message)"))])))
    }
    try? SmallFile.replace(joinPath(checkpoint, name), with: (DynamicValue.object(members).json + "\n").utf8)
  }
}
