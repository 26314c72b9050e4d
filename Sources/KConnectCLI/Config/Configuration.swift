// Role: the configuration file: defaults of flags, profiles over them, default options for each source, named tables. Unknown keys are errors.
//
//     [defaults]           threads, memory-limit, spill-directory, format, progress
//     [profiles.NAME]      the same keys; used with --profile NAME
//     [options.SOURCE]     option = "value", for every use of that source; secrets as "env:NAME" or "file:PATH"
//     [tables]             name = "LOCATOR", in scope of every query

import Columnar
import DataSource
import KConnect
import KustoConnector

struct Configuration {
  /// Flag values as text: the profile's over the defaults.
  private(set) var defaults: [String: String] = [:]
  private var sourceOptions: [String: [(String, String)]] = [:]
  /// Names and locators, by name.
  private(set) var tables: [(name: String, locator: String)] = []

  private static let flagNames = ["threads", "memory-limit", "spill-directory", "format", "progress"]
  private static let sections = ["defaults", "profiles", "options", "tables"]

  /// Reads `path`, else the file `KCONNECT_CONFIG` names, else nothing. Throws CONFIGURATION with the line.
  static func load(path: String?, profile: String?) throws -> Configuration {
    guard let path = path ?? Environment.value("KCONNECT_CONFIG") else {
      if let profile {
        throw KConnectError(.configuration, "--profile '\(profile)': no configuration file", hint: "name it with --config FILE or KCONNECT_CONFIG")
      }
      return Configuration()
    }
    let text: String
    do { text = try Environment.readFile(path) } catch let error as KConnectError {
      throw KConnectError(.configuration, error.message, hint: error.hint, cause: error)
    }
    var parser = TOMLParser(text)
    do { return try Configuration(parser.parse(), path: path, profile: profile) } catch let error as TOMLError {
      throw KConnectError(.configuration, "'\(path)', line \(error.line): \(error.message)")
    }
  }

  private init() {}

  private init(_ root: [String: TOMLValue], path: String, profile: String?) throws {
    for name in root.keys where !Self.sections.contains(name) { throw Self.unknown("section", name, Self.sections, path) }
    if let section = root["defaults"] { try addFlags(section, "defaults", path) }
    let profiles = try root["profiles"].map { try Self.table($0, "profiles", path) } ?? [:]
    if let profile {
      guard let section = profiles[profile] else { throw Self.unknown("profile", profile, Array(profiles.keys).sorted(), path) }
      try addFlags(section, "profiles.\(profile)", path)
    }
    let options = try root["options"].map { try Self.table($0, "options", path) } ?? [:]
    for (source, section) in options {
      let entries = try Self.table(section, "options.\(source)", path)
      sourceOptions[source.lowercased()] = try entries.sorted { $0.key < $1.key }.map { key, value in
        let text = try Self.text(value, "options.\(source).\(key)", path)
        return (key, try Secrets.resolved(text, option: key))
      }
    }
    let named = try root["tables"].map { try Self.table($0, "tables", path) } ?? [:]
    for (name, value) in named {
      tables.append((name, try Self.text(value, "tables.\(name)", path)))
    }
    tables.sort { $0.name < $1.name }
  }

  /// The default options of a source, without the credentials that `given` replaces by another method.
  func options(of source: String, under given: [(String, String)]) -> [(String, String)] {
    Authentication.defaults(sourceOptions[source.lowercased()] ?? [], under: given)
  }

  private mutating func addFlags(_ section: TOMLValue, _ name: String, _ path: String) throws {
    for (key, value) in try Self.table(section, name, path) {
      guard Self.flagNames.contains(key) else { throw Self.unknown("key", "\(name).\(key)", Self.flagNames, path, wanted: key) }
      defaults[key] = try Self.text(value, "\(name).\(key)", path)
    }
  }

  private static func table(_ value: TOMLValue, _ name: String, _ path: String) throws -> [String: TOMLValue] {
    guard case .table(let table) = value else { throw KConnectError(.configuration, "'\(path)': '\(name)' is not a table", hint: "write [\(name)]") }
    return table
  }

  private static func text(_ value: TOMLValue, _ name: String, _ path: String) throws -> String {
    switch value {
    case .string(let text): return text
    case .integer(let n): return String(n)
    case .float(let n): return ValueText.text(.real(n))
    case .bool(let flag): return flag ? "true" : "false"
    case .array, .table: throw KConnectError(.configuration, "'\(path)': '\(name)' is not a text, number or boolean")
    }
  }

  private static func unknown(_ what: String, _ name: String, _ known: [String], _ path: String, wanted: String? = nil) -> KConnectError {
    let near = nearestNames(to: wanted ?? name, among: known, limit: 1).first
    return KConnectError(
      .configuration, "'\(path)': unknown \(what) '\(name)'",
      hint: (near.map { "did you mean '\($0)'? " } ?? "") + (known.isEmpty ? "the file has none" : "known: \(known.joined(separator: ", "))"))
  }
}
