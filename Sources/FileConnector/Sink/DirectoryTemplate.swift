// Role: directories of a partitioned write that have a form of their own, in place of `key=value`.

import DataSource

/// How the values of partition columns make the path of a directory.
package struct DirectoryTemplate: Sendable {
  /// A value and the text in front of it.
  package struct Part: Sendable {
    package var prefix: String
    /// The value is a path by itself: it is taken as it is.
    package var isPath: Bool

    package init(prefix: String, isPath: Bool) {
      self.prefix = prefix
      self.isPath = isPath
    }
  }

  /// One for each partition column.
  package var parts: [Part]
  /// The text behind the last value.
  package var suffix: String
  /// What stands for null and empty values.
  package var null: String
  /// In place of the format's own, with its dot.
  package var fileExtension: String?

  package init(parts: [Part], suffix: String, null: String) {
    self.parts = parts
    self.suffix = suffix
    self.null = null
  }

  /// The directory so far and the value of part `k`. Values are encoded where directories could not have them in their names: they lead nowhere
  /// else, not behind dots of the text either, and no reader takes them for hidden.
  func path(_ directory: String, _ k: Int, _ text: String) -> String {
    let before = directory + parts[k].prefix
    var value = text == PartitionText.null ? null : text
    if !parts[k].isPath {
      let isFirst = before.reversed().prefix { $0 != "/" }.allSatisfy { $0 == "." }
      value = percentEncoded(value)
      if isFirst, value != null, let sign = value.first, sign == "." || sign == "_" { value = (sign == "." ? "%2E" : "%5F") + value.dropFirst() }
    }
    return before + value + (k == parts.count - 1 ? suffix : "")
  }
}
