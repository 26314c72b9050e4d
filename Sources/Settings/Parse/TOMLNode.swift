// Role: the file as a tree of values with their places; entries stand in the order of the file.

/// A value of the file. The place is that of its key, or of the value itself in an array.
package struct TOMLNode: Sendable {
  package enum Value: Sendable {
    case text(String)
    case integer(Int)
    case real(Double)
    case bool(Bool)
    /// A date, time or both, as the file writes it.
    case time(String)
    case array([TOMLNode])
    case table([TOMLEntry])
  }

  package var value: Value
  package var position: TextPosition

  /// What it is, for messages.
  var kindName: String {
    switch value {
    case .text: "a text"
    case .integer: "a whole number"
    case .real: "a number"
    case .bool: "a boolean"
    case .time: "a date or time"
    case .array: "an array"
    case .table: "a table"
    }
  }
}

/// A key and its value.
package struct TOMLEntry: Sendable {
  package var key: String
  package var node: TOMLNode
}
