// Role: writes that count once (txnAppId, txnVersion): the rows of a write carry an ingest-by tag that names application and number, and come with
// it in one move of extents. What has such a tag, of that number or a later one, is there already.

import DataSource

struct WriteTransaction: Sendable {
  let application: String
  let version: Int

  /// Nil when the options name none. Throws OPTION_INVALID for one without the other.
  init?(_ options: DataSourceOptions) throws {
    let application = options.string("txnAppId"), version = options.integer("txnVersion")
    if application == nil, version == nil { return nil }
    guard let application, !application.isEmpty, let version, version >= 0 else {
      throw KConnectError(.optionInvalid, "options 'txnAppId' and 'txnVersion' go together, the version from 0 on")
    }
    self.application = application
    self.version = version
  }

  private var prefix: String { "kconnect:\(application):" }
  /// The value of the ingest-by tag.
  var tag: String { prefix + String(version) }

  /// The numbers that tags say the table has, ascending.
  func versions(in tags: Set<String>) -> [Int] { tags.compactMap { $0.hasPrefix(prefix) ? Int($0.dropFirst(prefix.count)) : nil }.sorted() }

  /// The tag of another number.
  func tag(of version: Int) -> String { prefix + String(version) }
}
