// Role: `kconnect options`: what a source declares, as text, JSON, a Markdown table or a JSON schema. The files in schemas/ and the README's
// tables are made by it.

import ArgumentParser
import Columnar
import Settings
import DataSource
import KConnect

struct OptionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "options", abstract: "Lists the options of a source, or the sources.",
    discussion: "Form schema prints a JSON schema (the files in schemas/), markdown the tables of the README.")

  @Argument(
    help: "The source, such as csv or kafka, or 'configuration' for the keys of configuration files; without it the sources are listed.",
    completion: .list(BuiltInSources.registry.providers.map(\.shortName) + ["configuration"]))
  var source: String?
  @Option(name: .shortAndLong, help: ArgumentHelp("text, json, markdown or schema.", valueName: "form"), completion: .list(["text", "json", "markdown", "schema"]))
  var format = "text"

  func run() throws {
    let forms = ["text", "json", "markdown", "schema"]
    guard forms.contains(format.lowercased()) else {
      let near = nearestNames(to: format, among: forms, limit: 1).first
      throw KConnectError(.usage, "--format: unknown form '\(format)'", hint: (near.map { "did you mean '\($0)'? " } ?? "") + "forms: \(forms.joined(separator: ", "))")
    }
    let registry = BuiltInSources.registry
    let output = try ByteOutput(standardOutput: ())
    if source?.lowercased() == "configuration" {
      try output.write(ConfigurationText.text(form: format.lowercased(), sources: registry.providers.map(\.shortName)))
    } else if let source {
      try output.write(OptionList(try registry.provider(source)).text(form: format.lowercased()))
    } else {
      for provider in registry.providers { try output.write("\(OptionList.padded(provider.shortName, 10)) \(provider.summary)\n") }
    }
    try output.finish()
  }
}

/// The keys of the configuration file: a JSON schema, or a list.
enum ConfigurationText {
  static func text(form: String, sources: [String]) throws -> String {
    switch form {
    case "schema": return ConfigurationSchema.json(sources: sources)
    case "text":
      var out = ""
      for section in ConfigurationKeys.sections { out += "[\(section.name)]  \(section.help)\n" }
      for (title, specs) in [
        ("[defaults], [profiles.NAME]", ConfigurationKeys.flags), ("[sources.NAME]", ConfigurationKeys.source), ("[pipelines.NAME]", ConfigurationKeys.pipeline),
        ("[[pipelines.NAME.steps]]", ConfigurationKeys.step),
      ] {
        out += "\n\(title)\n"
        for spec in specs { out += "  \(OptionList.padded(spec.name, 16)) \(spec.help)\(spec.defaultValue.map { " Default \($0)." } ?? "")\n" }
      }
      return out
    default: throw KConnectError(.usage, "--format \(form): the configuration file has the forms text and schema")
    }
  }
}

/// The declared options of a source in their text forms.
struct OptionList {
  private let provider: any DataSourceProvider

  init(_ provider: any DataSourceProvider) { self.provider = provider }

  func text(form: String) -> String {
    switch form {
    case "json": json
    case "markdown": markdown
    case "schema": schema
    default: plain
    }
  }

  static func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.utf8.count)) }

  private static func kind(_ kind: OptionValueKind) -> String {
    switch kind {
    case .string: "text"
    case .bool: "true/false"
    case .integer: "number"
    case .bytes: "size"
    case .duration: "duration"
    case .character: "character"
    case .path: "path"
    case .oneOf(let words): words.joined(separator: "|")
    }
  }

  /// `read`, `write` or `read, write`.
  private static func use(_ use: OptionSpec.Use) -> String { use == .both ? "read, write" : use.rawValue }

  private static func support(_ support: OptionSupport) -> String {
    switch support {
    case .supported: ""
    case .noEffect(let why): " No effect here: \(why)."
    case .notSupported(let what): " Not supported yet: \(what)."
    }
  }

  private var plain: String {
    var out = "\(provider.shortName): \(provider.summary)\n"
    for spec in provider.options {
      out += "\n  \(spec.name)  (\(Self.kind(spec.kind)); \(Self.use(spec.use))\(spec.defaultValue.map { "; default \($0.isEmpty ? "empty" : $0)" } ?? ""))\n"
      out += "      \(spec.help)\(Self.support(spec.support))\n"
      if !spec.aliases.isEmpty { out += "      also: \(spec.aliases.joined(separator: ", "))\n" }
    }
    return out
  }

  private var markdown: String {
    var out = "| option | value | default | use | meaning |\n| --- | --- | --- | --- | --- |\n"
    func cell(_ text: String) -> String { text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
    for spec in provider.options {
      let aliases = spec.aliases.isEmpty ? "" : " Also: \(spec.aliases.map { "`\($0)`" }.joined(separator: ", "))."
      let fallback = spec.defaultValue.map { $0.isEmpty ? "empty" : "`\(cell($0))`" } ?? ""
      out += "| `\(spec.name)` | \(cell(Self.kind(spec.kind))) | \(fallback) | \(Self.use(spec.use)) | \(cell(spec.help + Self.support(spec.support)))\(aliases) |\n"
    }
    return out
  }

  private var json: String {
    let options = provider.options.map { spec in
      var fields = ["\"name\":\(ValueText.quoted(spec.name))", "\"value\":\(ValueText.quoted(Self.kind(spec.kind)))", "\"use\":\"\(spec.use.rawValue)\""]
      if let fallback = spec.defaultValue { fields.append("\"default\":\(ValueText.quoted(fallback))") }
      if !spec.aliases.isEmpty { fields.append("\"aliases\":[\(spec.aliases.map(ValueText.quoted).joined(separator: ","))]") }
      if spec.isSecret { fields.append("\"secret\":true") }
      switch spec.support {
      case .supported: break
      case .noEffect(let why): fields.append("\"noEffect\":\(ValueText.quoted(why))")
      case .notSupported(let what): fields.append("\"notSupported\":\(ValueText.quoted(what))")
      }
      fields.append("\"help\":\(ValueText.quoted(spec.help))")
      return "{\(fields.joined(separator: ","))}"
    }
    return "{\"source\":\"\(provider.shortName)\",\"options\":[\n\(options.joined(separator: ",\n"))\n]}\n"
  }

  /// JSON Schema 2020-12 of an object of options.
  private var schema: String {
    func property(_ spec: OptionSpec) -> String {
      var fields = ["\"type\": \(Self.jsonType(spec.kind))"]
      if case .oneOf(let words) = spec.kind { fields.append("\"enum\": [\(words.map(ValueText.quoted).joined(separator: ", "))]") }
      fields.append("\"description\": \(ValueText.quoted(spec.help + Self.support(spec.support)))")
      if let fallback = spec.defaultValue { fields.append("\"default\": \(ValueText.quoted(fallback))") }
      if spec.isSecret { fields.append("\"writeOnly\": true") }
      fields.append("\"x-use\": \"\(spec.use.rawValue)\"")
      if !spec.aliases.isEmpty { fields.append("\"x-aliases\": [\(spec.aliases.map(ValueText.quoted).joined(separator: ", "))]") }
      let name = spec.isFamily ? "^" + spec.name.dropLast().split(separator: ".").map { "\($0)\\." }.joined() : spec.name
      return "    \(ValueText.quoted(name)): {\n      \(fields.joined(separator: ",\n      "))\n    }"
    }
    let properties = provider.options.filter { !$0.isFamily }.map(property), families = provider.options.filter(\.isFamily).map(property)
    let patterns = families.isEmpty ? "" : "\"patternProperties\": {\n\(families.joined(separator: ",\n"))\n  },\n  "
    return """
      {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Options of \(provider.shortName)",
        "description": \(ValueText.quoted(provider.summary)),
        "type": "object",
        "additionalProperties": false,
        \(patterns)"properties": {
      \(properties.joined(separator: ",\n"))
        }
      }

      """
  }

  private static func jsonType(_ kind: OptionValueKind) -> String {
    switch kind {
    case .bool: "[\"boolean\", \"string\"]"
    case .integer, .bytes: "[\"integer\", \"string\"]"
    default: "\"string\""
    }
  }
}
