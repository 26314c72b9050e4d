// Role: scripts in other languages over tables: what a query asks for, and whoever runs them. The engine only carries the one to the other.

package import Columnar

/// One call of a script: `evaluate python(typeof(*, x: real), "result = df ...", bag_pack(...))`.
package struct ScriptCall: Sendable {
  /// A file that the script may read, by the name it has there.
  package struct Artifact: Sendable {
    package let name: String
    /// A path or an address, with whatever credentials stand behind a semicolon.
    package let address: String

    package init(name: String, address: String) {
      self.name = name
      self.address = address
    }
  }

  /// Columns of the input that the output has too, in front of the others: `*`.
  package let keepsInput: Bool
  /// The columns declared by name and type. One of the input's names takes its place.
  package let columns: [StructField]
  package let script: String
  /// A bag, what the script knows as `kargs`; null: an empty one.
  package let arguments: DynamicValue
  package let artifacts: [Artifact]
  /// Whether the rows go to the script through a file on disk, instead of one in memory.
  package let usesDisk: Bool
  /// Whether the script may run over parts of the rows, so that their order and number do not matter to it.
  package let isDistributable: Bool
  /// Columns whose filters may run before the script, by the word of whoever wrote the query.
  package let filterColumns: Set<String>

  package init(
    keepsInput: Bool, columns: [StructField], script: String, arguments: DynamicValue, artifacts: [Artifact], usesDisk: Bool, isDistributable: Bool,
    filterColumns: Set<String>
  ) {
    self.keepsInput = keepsInput
    self.columns = columns
    self.script = script
    self.arguments = arguments
    self.artifacts = artifacts
    self.usesDisk = usesDisk
    self.isDistributable = isDistributable
    self.filterColumns = filterColumns
  }

  /// The columns of the result over an input.
  package func outputSchema(_ input: StructType) -> StructType {
    guard keepsInput else { return StructType(columns) }
    let replaced = input.fields.map { field in columns.first { $0.name == field.name } ?? StructField(field.name, field.type) }
    return StructType(replaced + columns.filter { input.index(of: $0.name) == nil })
  }
}

/// Runs scripts. Immutable, safe from any thread.
package protocol ScriptHost: Sendable {
  /// The operator that runs a call over its input. Throws CONFIGURATION where scripts cannot run here.
  func tableOperator(_ call: ScriptCall) throws -> any TableOperator
}
