// Role: the configuration file, checked: flags with profiles over defaults, options by source, credentials, named tables and sources,
// pipelines. Unknown keys and values of the wrong kind are errors with file, line and column.
//
//     [defaults]  [profiles.NAME]      flags under their names
//     [options.SOURCE]                 options for every use of that source
//     [credentials.NAME]               options of the kusto source that say who asks
//     [tables]  [sources.NAME]         names for locators
//     [pipelines.NAME]                 what `kconnect run` runs

import Columnar
package import DataSource

package struct ConfigurationFile: Sendable {
  /// Nil when there is no file.
  package private(set) var path: String?
  /// Flag values as text: the profile's over the defaults.
  package private(set) var defaults: [String: String] = [:]
  /// Names and locators (or names of sources), by name.
  package private(set) var tables: [(name: String, locator: String)] = []
  package private(set) var sources: [NamedSource] = []
  package private(set) var pipelines: [Pipeline] = []
  /// Remarks for the user, such as secrets in a file that others may read.
  package private(set) var notes: [String] = []
  private var sourceOptions: [(source: String, options: [ConfiguredOption])] = []
  private var credentials: [(name: String, options: [ConfiguredOption])] = []

  /// No file: every setting has its default.
  package init() {}

  /// Reads and checks a file. `declarations` gives the options of a source by its format name; it throws for names it does not know.
  /// `isSecret` says which options hold secrets where their source is not known yet.
  package init(
    path: String, profile: String? = nil, isSecret: @escaping @Sendable (String) -> Bool = { SecretNames.isSecret($0) }, declarations: (String) throws -> [OptionSpec]
  ) throws {
    guard let bytes = try SmallFile.read(path, limit: 16 << 20, tooLarge: .configuration) else {
      throw KConnectError(.configuration, "the configuration file '\(path)' does not exist")
    }
    try self.init(bytes, path: path, profile: profile, isSecret: isSecret, declarations: declarations)
  }

  /// As above, from bytes; `path` is for messages.
  package init(
    _ bytes: [UInt8], path: String, profile: String? = nil, isSecret: @escaping @Sendable (String) -> Bool = { SecretNames.isSecret($0) },
    declarations: (String) throws -> [OptionSpec]
  ) throws {
    self.path = path
    let reader = SectionReader(path: path, isSecret: isSecret)
    let root = try TOMLReader.read(bytes, path: path)
    let known = ConfigurationKeys.sections.map(\.name)
    for entry in root where !known.contains(entry.key) { throw reader.unknown("section", entry.key, known, entry.node.position) }
    func section(_ name: String) throws -> [TOMLEntry] {
      try root.first { $0.key == name }.map { try reader.table($0.node, name) } ?? []
    }
    let flags = try reader.values(try section("defaults"), "defaults", ConfigurationKeys.flags)
    let profiles = try section("profiles")
    var profileFlags: [String: String] = [:]
    for entry in profiles {
      let values = try reader.values(try reader.table(entry.node, "profiles.\(entry.key)"), "profiles.\(entry.key)", ConfigurationKeys.flags)
      if entry.key == profile { profileFlags = values }
    }
    if let profile, !profiles.contains(where: { $0.key == profile }) {
      throw reader.unknown("profile", profile, profiles.map(\.key), profiles.first?.node.position ?? TextPosition(line: 1, column: 1))
    }
    defaults = flags.merging(profileFlags) { $1 }
    for entry in try section("options") {
      let name = "options.\(entry.key)"
      let specs: [OptionSpec]
      do { specs = try declarations(entry.key.lowercased()) } catch let error as KConnectError {
        throw reader.place(entry.node.position).error("'\(name)': \(error.message)", hint: error.hint)
      }
      sourceOptions.append((entry.key.lowercased(), try reader.options(try reader.table(entry.node, name), name, specs)))
    }
    for entry in try section("credentials") {
      let name = "credentials.\(entry.key)"
      credentials.append((entry.key, try reader.options(try reader.table(entry.node, name), name, try declarations("kusto"))))
    }
    for entry in try section("tables") { tables.append((entry.key, try reader.text(entry.node, "tables.\(entry.key)"))) }
    tables.sort { $0.name < $1.name }
    for entry in try section("sources") { sources.append(try PipelineReader.source(entry, reader)) }
    for entry in try section("pipelines") { pipelines.append(try PipelineReader.pipeline(entry, reader)) }
    if let credential = defaults["credential"], !credentials.contains(where: { $0.name == credential }) {
      let position = (profileFlags["credential"] == nil ? root.first { $0.key == "defaults" } : profiles.first { $0.key == profile })?.node.position
      throw reader.unknown("credential", credential, credentials.map(\.name), position ?? TextPosition(line: 1, column: 1))
    }
    noteReadableSecrets(path)
  }

  /// The default options of a source, secrets read. Throws CONFIGURATION.
  package func options(of source: String) throws -> [(String, String)] {
    try sourceOptions.first { $0.source == source.lowercased() }?.options.map { try $0.revealed() } ?? []
  }

  /// The options of `[credentials.NAME]`, secrets read. Throws CONFIGURATION for a name that is not there.
  package func credential(_ name: String) throws -> [(String, String)] {
    guard let found = credentials.first(where: { $0.name == name }) else {
      throw SectionReader(path: path ?? "").unknown("credential", name, credentials.map(\.name), TextPosition(line: 1, column: 1))
    }
    return try found.options.map { try $0.revealed() }
  }

  /// The options of the credential that profile or defaults name; empty when none is named.
  package func defaultCredential() throws -> [(String, String)] { try defaults["credential"].map { try credential($0) } ?? [] }

  /// Names of the credentials, in the order of the file.
  package var credentialNames: [String] { credentials.map(\.name) }

  /// The source of that name.
  package func source(_ name: String) -> NamedSource? { sources.first { $0.name == name } }

  /// The pipelines named, or all that are enabled. Throws USAGE for an unknown name.
  package func pipelines(named names: [String]) throws -> [Pipeline] {
    guard !pipelines.isEmpty else { throw KConnectError(.configuration, "'\(path ?? "")' has no pipelines", hint: "write [pipelines.NAME] with [[pipelines.NAME.steps]]") }
    if names.isEmpty { return pipelines.filter(\.isEnabled) }
    return try names.map { name in
      guard let found = pipelines.first(where: { $0.name == name }) else {
        let near = nearestNames(to: name, among: pipelines.map(\.name), limit: 1).first
        throw KConnectError(
          .usage, "unknown pipeline '\(name)'",
          hint: (near.map { "did you mean '\($0)'? " } ?? "") + "pipelines: \(pipelines.map(\.name).joined(separator: ", "))")
      }
      return found
    }
  }

  private mutating func noteReadableSecrets(_ path: String) {
    let all = sourceOptions.flatMap(\.options) + credentials.flatMap(\.options)
    guard let secret = all.first(where: { SecretNames.isSecret($0.name) && $0.value.isLiteral }), FileAccess.isReadableByOthers(path) else { return }
    notes.append("\(secret.place): a secret stands in a file that other users can read: chmod 600 '\(path)', or write \"env:NAME\" or \"file:PATH\"")
  }
}

/// Which options hold secrets, by their names; for values given outside of declarations.
package enum SecretNames {
  private static let words = ["secret", "password", "token", "key", "sas"]

  package static func isSecret(_ option: String) -> Bool {
    let lower = option.lowercased()
    return words.contains { lower.contains($0) }
  }
}
