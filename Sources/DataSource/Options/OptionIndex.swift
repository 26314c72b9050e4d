// Role: the declared options of a source by their names: made once, looked up by every read and write.

/// Declared options, found by name or alias in any case.
package struct OptionIndex: Sendable {
  struct Entry: Sendable {
    var spec: OptionSpec
    /// The name in lower case, under which a value is kept.
    var key: String
  }

  let specs: [OptionSpec]
  /// By names and aliases, as they are declared and in lower case.
  private let entries: [String: Entry]

  /// Of declarations with the same name the last one counts.
  package init(_ specs: [OptionSpec]) {
    self.specs = specs
    var entries: [String: Entry] = [:]
    let names = specs.map { [$0.name] + $0.aliases }
    for (spec, names) in zip(specs, names) {
      let entry = Entry(spec: spec, key: spec.name.lowercased())
      for name in names { entries[name.lowercased()] = entry }
    }
    for name in names.joined() { entries[name] = entries[name.lowercased()] }
    self.entries = entries
  }

  subscript(_ name: String) -> Entry? { entries[name] ?? entries[name.lowercased()] }

  /// The declaration `prefix.*` that a name belongs to.
  func family(of name: String) -> OptionSpec? {
    let lower = name.lowercased()
    return specs.first { $0.isFamily && lower.hasPrefix($0.name.dropLast().lowercased()) && lower.utf8.count > $0.name.utf8.count - 1 }
  }
}
