// Role: option names with the Swift type of their value, for the common options; every option is also reachable by its name as text.

/// An option of sources or sinks: its name and the Swift type of its value.
public struct OptionKey<Value: Sendable>: Sendable {
  public let name: String
  let text: @Sendable (Value) -> String

  /// A key of your own for an option of that name.
  public init(_ name: String, text: @escaping @Sendable (Value) -> String) {
    self.name = name
    self.text = text
  }
}

extension OptionKey where Value == Bool {
  private init(flag name: String) { self.init(name) { $0 ? "true" : "false" } }
  /// CSV: the first line holds the names.
  public static var header: Self { Self(flag: "header") }
  /// CSV: column types are worked out from a sample.
  public static var inferSchema: Self { Self(flag: "inferSchema") }
  /// CSV and JSON: a record may span lines.
  public static var multiLine: Self { Self(flag: "multiLine") }
  /// Directories: files with different schemas are merged.
  public static var mergeSchema: Self { Self(flag: "mergeSchema") }
}

extension OptionKey where Value == String {
  private init(text name: String) { self.init(name) { $0 } }
  /// CSV: the character between fields.
  public static var sep: Self { Self(text: "sep") }
  /// CSV: the character around fields.
  public static var quote: Self { Self(text: "quote") }
  /// CSV: the text that stands for null.
  public static var nullValue: Self { Self(text: "nullValue") }
  /// CSV and JSON: the pattern of dates.
  public static var dateFormat: Self { Self(text: "dateFormat") }
  /// CSV and JSON: the pattern of moments, such as `M/d/yyyy h:mm:ss a`.
  public static var timestampFormat: Self { Self(text: "timestampFormat") }
  /// CSV and JSON: what happens to malformed records: PERMISSIVE, DROPMALFORMED or FAILFAST.
  public static var parseMode: Self { Self(text: "mode") }
  /// Writers: the codec, such as `zstd` or `snappy`.
  public static var compression: Self { Self(text: "compression") }
}
