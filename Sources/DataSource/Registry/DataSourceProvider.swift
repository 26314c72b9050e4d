// Role: how sources and sinks are found by format name, and what each must offer.

package import Columnar

/// A source or sink format: its names, its options, and how to open its tables.
package protocol DataSourceProvider: Sendable {
  /// The format name: `parquet`, `csv`, `json`, `delta`, `kusto`.
  var shortName: String { get }
  /// Other names, such as a Spark class name.
  var aliases: [String] { get }
  /// One sentence for `kconnect options`.
  var summary: String { get }
  var options: [OptionSpec] { get }
  /// The options that hold for what `paths` and `given` name, where that decides which are supported; `options` by default.
  func options(for paths: [String], given: [(String, String)]) -> [OptionSpec]
  /// False where options alone can name what is read or written.
  var needsPath: Bool { get }
  /// Opens tables at `paths` for reading; `schema` is the user's, nil to discover. Throws `KConnectError`.
  func open(_ paths: [String], schema: StructType?, options: DataSourceOptions) throws -> any BatchReadable
  /// Starts a write of rows of `schema` to `path`; nil when mode `ignore` finds the target. Throws `KConnectError`.
  func makeSink(_ path: String, schema: StructType, mode: SaveMode, partitionBy: [String], options: DataSourceOptions) throws -> (any TableSink)?
}

extension DataSourceProvider {
  package var needsPath: Bool { true }
  package func options(for paths: [String], given: [(String, String)]) -> [OptionSpec] { options }
}

/// The formats of a session. Immutable once built.
package struct SourceRegistry: Sendable {
  package let providers: [any DataSourceProvider]

  package init(_ providers: [any DataSourceProvider]) { self.providers = providers }

  /// The provider of that format name or alias; throws with the nearest names.
  package func provider(_ format: String) throws -> any DataSourceProvider {
    let wanted = format.lowercased()
    if let found = providers.first(where: { $0.shortName == wanted || $0.aliases.contains { $0.lowercased() == wanted } }) { return found }
    let names = providers.map(\.shortName)
    let near = nearestNames(to: format, among: names, limit: 1)
    throw KConnectError(
      .usage, "unknown format '\(format)'", hint: (near.first.map { "did you mean '\($0)'? " } ?? "") + "formats: \(names.joined(separator: ", "))")
  }
}
