// Role: `[sources.NAME]` and `[pipelines.NAME]` from their tables.

import DataSource

enum PipelineReader {
  static func source(_ entry: TOMLEntry, _ reader: SectionReader) throws -> NamedSource {
    let name = "sources.\(entry.key)"
    let entries = try reader.table(entry.node, name)
    let values = try reader.values(entries, name, ConfigurationKeys.source, besides: ["options"])
    let place = reader.place(entry.node.position)
    guard let from = values["from"] else { throw place.error("'\(name)' has no 'from'", hint: "from = \"csv:PATH\"") }
    return NamedSource(name: entry.key, place: place, from: from, schema: values["schema"], options: try options(entries, name, reader))
  }

  static func pipeline(_ entry: TOMLEntry, _ reader: SectionReader) throws -> Pipeline {
    let name = "pipelines.\(entry.key)"
    let entries = try reader.table(entry.node, name)
    let values = try reader.values(entries, name, ConfigurationKeys.pipeline, besides: ["steps"])
    let place = reader.place(entry.node.position)
    guard !entry.key.isEmpty, !entry.key.contains("/"), !entry.key.hasPrefix(".") else {
      throw place.error("'\(entry.key)' cannot be the name of a pipeline", hint: "it names a directory: letters, digits, '-' and '_'")
    }
    let state = values["state"] ?? joinPath(".kconnect", entry.key)
    guard case .array(let nodes)? = entries.first(where: { $0.key == "steps" })?.node.value, !nodes.isEmpty else {
      throw place.error("'\(name)' has no steps", hint: "write [[\(name).steps]] with from and to")
    }
    var steps: [PipelineStep] = []
    for (i, node) in nodes.enumerated() {
      let step = try self.step(node, i, pipeline: name, state: state, reader)
      if let other = steps.first(where: { $0.name == step.name }) {
        throw step.place.error("'\(name)' has two steps named '\(step.name)'; the other is at \(other.place.position)")
      }
      steps.append(step)
    }
    return Pipeline(
      name: entry.key, place: place, directory: values["directory"], state: state, onFailure: values["on-failure"],
      isEnabled: values["enabled"].map(isTrue) ?? true, steps: steps)
  }

  private static func step(_ node: TOMLNode, _ i: Int, pipeline: String, state: String, _ reader: SectionReader) throws -> PipelineStep {
    let section = "\(pipeline).steps"
    let entries = try reader.table(node, section)
    var values = try reader.values(entries, section, ConfigurationKeys.step, besides: ["options"])
    let place = reader.place(node.position)
    let name = values["name"] ?? "step\(i + 1)"
    guard !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") else {
      throw place.error("'\(name)' cannot be the name of a step", hint: "it names a directory: letters, digits, '-' and '_'")
    }
    guard let from = values["from"], let to = values["to"] else {
      throw place.error("step '\(name)' has no '\(values["from"] == nil ? "from" : "to")'", hint: "a step has from = \"LOCATOR\" and to = \"LOCATOR\"")
    }
    let isStream = values["stream"].map(isTrue) ?? false
    for spec in ConfigurationKeys.step where values[spec.name] != nil {
      let isOther = isStream ? spec.name == "mode" : ["trigger", "checkpoint", "max-batches", "timeout", "dedup-key", "dedup-within", "event-time"].contains(spec.name)
      if isOther { throw place.error("step '\(name)': '\(spec.name)' is for steps \(isStream ? "without" : "with") stream = true") }
    }
    for spec in ConfigurationKeys.step { if let fallback = spec.defaultValue, values[spec.name] == nil { values[spec.name] = fallback } }
    return PipelineStep(
      name: name, place: place, from: from, to: to, isStream: isStream, checkpoint: values["checkpoint"] ?? joinPath(state, name),
      settings: values, options: try options(entries, section, reader))
  }

  private static func options(_ entries: [TOMLEntry], _ name: String, _ reader: SectionReader) throws -> [ConfiguredOption] {
    guard let node = entries.first(where: { $0.key == "options" })?.node else { return [] }
    return try reader.looseOptions(try reader.table(node, "\(name).options"), "\(name).options")
  }

  /// A boolean that was checked.
  private static func isTrue(_ text: String) -> Bool { ["true", "yes", "on", "1"].contains(text.lowercased()) }
}
