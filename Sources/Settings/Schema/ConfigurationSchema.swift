// Role: the JSON schema of the configuration file, from the declarations. Editors that know TOML and JSON Schema check files with it.

import Columnar
import DataSource

package enum ConfigurationSchema {
  /// JSON Schema 2020-12. `sources` names the formats whose options have schemas of their own beside this one.
  package static func json(sources: [String]) -> String {
    let flags = object(ConfigurationKeys.flags)
    let options = sources.map { "          \(quoted($0)): { \"$ref\": \"options.\($0).schema.json\" }" }.joined(separator: ",\n")
    var sections: [(String, String)] = []
    for section in ConfigurationKeys.sections {
      let body: String = switch section.name {
      case "defaults": flags
      case "profiles": map(of: flags)
      case "options": "\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\n\(options)\n        }"
      case "credentials": map(of: "\"$ref\": \"options.kusto.schema.json\"")
      case "tables": map(of: "\"type\": \"string\"")
      case "sources": map(of: object(ConfigurationKeys.source, required: ["from"], more: [("options", anyOptions)]))
      default:
        map(of: object(
          ConfigurationKeys.pipeline, required: ["steps"],
          more: [("steps", "\"type\": \"array\", \"minItems\": 1, \"items\": { \(object(ConfigurationKeys.step, required: ["from", "to"], more: [("options", anyOptions)])) }")]))
      }
      sections.append((section.name, "\"description\": \(quoted(section.help)), \(body)"))
    }
    return """
      {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "KConnect configuration",
        "type": "object",
        "additionalProperties": false,
        "properties": {
      \(sections.map { "    \(quoted($0.0)): { \($0.1) }" }.joined(separator: ",\n"))
        }
      }

      """
  }

  private static let anyOptions = "\"description\": \"Options of source and target; kconnect options FORMAT lists them.\", \"type\": \"object\""

  private static func map(of body: String) -> String { "\"type\": \"object\", \"additionalProperties\": { \(body) }" }

  private static func object(_ specs: [OptionSpec], required: [String] = [], more: [(String, String)] = []) -> String {
    var members = specs.map { spec in
      var fields = ["\"description\": \(quoted(spec.help))"]
      switch spec.kind {
      case .bool: fields.append("\"type\": \"boolean\"")
      case .integer: fields.append("\"type\": \"integer\"")
      case .oneOf(let words): fields.append("\"enum\": [\(words.map(quoted).joined(separator: ", "))]")
      default: fields.append("\"type\": \"string\"")
      }
      if let fallback = spec.defaultValue { fields.append("\"default\": \(spec.kind == .bool ? fallback : quoted(fallback))") }
      return "          \(quoted(spec.name)): { \(fields.joined(separator: ", ")) }"
    }
    members += more.map { "          \(quoted($0.0)): { \($0.1) }" }
    let needs = required.isEmpty ? "" : ", \"required\": [\(required.map(quoted).joined(separator: ", "))]"
    return "\"type\": \"object\", \"additionalProperties\": false\(needs), \"properties\": {\n\(members.joined(separator: ",\n"))\n        }"
  }

  private static func quoted(_ text: String) -> String { DynamicValue.string(text).json }
}
