// Role: what the file says about named sources and pipelines.

/// `[sources.NAME]`.
package struct NamedSource: Sendable {
  package var name: String
  package var place: ConfigurationPlace
  /// The locator.
  package var from: String
  package var schema: String?
  package var options: [ConfiguredOption]
}

/// `[pipelines.NAME]`: steps that run one after the other.
package struct Pipeline: Sendable {
  package var name: String
  package var place: ConfigurationPlace
  package var directory: String?
  /// Lock and checkpoints; relative to the directory.
  package var state: String
  package var onFailure: String?
  /// False: runs only when named.
  package var isEnabled: Bool
  package var steps: [PipelineStep]
}

/// `[[pipelines.NAME.steps]]`: from → query → to.
package struct PipelineStep: Sendable {
  package var name: String
  package var place: ConfigurationPlace
  package var from: String
  package var to: String
  package var isStream: Bool
  package var checkpoint: String
  /// The keys as text, by name; those with defaults are always there.
  package var settings: [String: String]
  package var options: [ConfiguredOption]

  package subscript(key: String) -> String? { settings[key] }
}
