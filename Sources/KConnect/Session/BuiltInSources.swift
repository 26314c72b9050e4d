// Role: the formats every session has, and which of them a path means.

package import DataSource
import DeltaConnector
import FileConnector
import KafkaConnector
import KustoConnector

package enum BuiltInSources {
  /// What URLs in paths may name besides web pages.
  static let stores = ObjectStores([BlobStore { CredentialContext(transport: SharedTransports.transport()) }])

  /// All providers of this package.
  package static let registry = SourceRegistry(FileFormats.providers(stores: stores) + [DeltaProvider(stores: stores), KustoSource(), KafkaProvider()])

  /// The format of something to read: by extension, by the files of a directory, at last by first bytes. Throws USAGE that names the ways out.
  package static func format(ofPath path: String) throws(KConnectError) -> String {
    if isDeltaTable(path) { return "delta" }
    return try publicErrors { try FileFormats.guess(path).shortName }
  }

  /// True for a directory with a transaction log.
  private static func isDeltaTable(_ path: String) -> Bool { pathKind(joinPath(path, "_delta_log")) == .directory }

  /// The format of something to write: by extension, or by the files already there.
  package static func format(ofTarget path: String) throws(KConnectError) -> String {
    if isDeltaTable(path) { return "delta" }
    if let ending = FileNames.formatExtension(path) {
      if let found = FileFormats.all.first(where: { $0.fileExtensions.contains(ending) }) { return found.shortName }
      throw KConnectError(
        .usage, "cannot tell the format of '\(path)': unknown extension '\(ending)'",
        hint: "write one in front: " + FileFormats.all.map { "\($0.shortName):\(path)" }.joined(separator: ", "))
    }
    if pathKind(path) == .directory, let found = try? FileFormats.guess(path) { return found.shortName }
    throw KConnectError(
      .usage, "cannot tell the format of '\(path)' from its name",
      hint: "write one in front: " + FileFormats.all.map { "\($0.shortName):\(path)" }.joined(separator: ", "))
  }
}
