// Role: values of a table against their declarations; the words of what is wrong with them.

#if canImport(Glibc)
import Glibc
#endif
import Columnar
import DataSource

struct SectionReader {
  let path: String
  /// Which options hold secrets, by their names: those of steps have no declarations yet.
  var isSecret: @Sendable (_ option: String) -> Bool = { SecretNames.isSecret($0) }

  func place(_ position: TextPosition) -> ConfigurationPlace { ConfigurationPlace(path: path, position: position) }

  /// The entries of a table.
  func table(_ node: TOMLNode, _ name: String) throws -> [TOMLEntry] {
    guard case .table(let entries) = node.value else {
      throw place(node.position).error("'\(name)' is \(node.kindName), expected a table", hint: "write [\(name)]")
    }
    return entries
  }

  /// A text, number or boolean as text.
  func text(_ node: TOMLNode, _ name: String) throws -> String {
    switch node.value {
    case .text(let text): return text
    case .integer(let n): return String(n)
    case .real(let n): return ScalarText.text(.real(n)) ?? "\(n)"
    case .bool(let flag): return flag ? "true" : "false"
    case .time(let text): return text
    case .array, .table: throw place(node.position).error("'\(name)' is \(node.kindName), expected a text, number or boolean")
    }
  }

  /// The keys of a table under their declared names, as text.
  func values(_ entries: [TOMLEntry], _ section: String, _ specs: [OptionSpec], besides: Set<String> = []) throws -> [String: String] {
    var out: [String: String] = [:]
    for entry in entries where !besides.contains(entry.key) {
      let spec = try self.spec(entry, section, specs)
      out[spec.name] = try value(entry, section, spec)
    }
    return out
  }

  /// The options of a source.
  func options(_ entries: [TOMLEntry], _ section: String, _ specs: [OptionSpec]) throws -> [ConfiguredOption] {
    try entries.flatMap(Self.flat).map { entry in
      let spec = try self.spec(entry, section, specs)
      if case .notSupported(let what) = spec.support { throw place(entry.node.position).error("'\(section).\(entry.key)': not supported yet: \(what)") }
      return ConfiguredOption(name: entry.key, value: secret(try value(entry, section, spec), entry.key, spec), place: place(entry.node.position))
    }
  }

  /// Options whose source is settled when a step runs: only their form is checked.
  func looseOptions(_ entries: [TOMLEntry], _ section: String) throws -> [ConfiguredOption] {
    try entries.flatMap(Self.flat).map { entry in
      ConfiguredOption(name: entry.key, value: secret(try text(entry.node, "\(section).\(entry.key)"), entry.key), place: place(entry.node.position))
    }
  }

  /// A value of an option, which may stand elsewhere.
  private func secret(_ text: String, _ option: String, _ spec: OptionSpec? = nil) -> Secret {
    Secret(text, ofSecret: spec.map { $0.isSecret && !$0.isFamily } ?? false || isSecret(option))
  }

  /// `from.header = true` is a table `from` in TOML: here it is the option `from.header`.
  private static func flat(_ entry: TOMLEntry) -> [TOMLEntry] {
    guard case .table(let inner) = entry.node.value else { return [entry] }
    return inner.flatMap(flat).map { TOMLEntry(key: "\(entry.key).\($0.key)", node: $0.node) }
  }

  private func spec(_ entry: TOMLEntry, _ section: String, _ specs: [OptionSpec]) throws -> OptionSpec {
    let lower = entry.key.lowercased()
    if let found = specs.first(where: { ([$0.name] + $0.aliases).contains { $0.lowercased() == lower } }) { return found }
    if let family = specs.first(where: { $0.isFamily && lower.hasPrefix($0.name.dropLast().lowercased()) }) { return family }
    throw unknown("key", "\(section).\(entry.key)", specs.map(\.name), entry.node.position, wanted: entry.key)
  }

  private func value(_ entry: TOMLEntry, _ section: String, _ spec: OptionSpec) throws -> String {
    let text = try text(entry.node, "\(section).\(entry.key)")
    // Values that stand elsewhere are checked where they are used.
    if !secret(text, entry.key, spec).isLiteral { return text }
    let name = spec.isFamily ? entry.key : spec.name
    do { _ = try DataSourceOptions(source: section, specs: [spec], given: [(name, text)], use: spec.use) } catch let error as KConnectError {
      throw place(entry.node.position).error(error.message, hint: error.hint)
    }
    return text
  }

  func unknown(_ what: String, _ name: String, _ known: [String], _ position: TextPosition, wanted: String? = nil) -> KConnectError {
    let near = nearestNames(to: wanted ?? name, among: known, limit: 1).first
    let list = known.count > 24 ? "" : known.isEmpty ? "the file has none" : "known: \(known.joined(separator: ", "))"
    return place(position).error("unknown \(what) '\(name)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + list)
  }
}

enum FileAccess {
  /// True when group or others may read the file.
  static func isReadableByOthers(_ path: String) -> Bool {
    var info = stat()
    // SAFETY: the call fills the structure.
    return unsafe stat(path, &info) == 0 && info.st_mode & 0o044 != 0
  }
}
