// Role: guids, decimals and dynamic values as `Codable`, so that they can be properties of a user's types. Our own row coders keep them as they
// are; other coders (JSON) get text for guids and decimals, and plain JSON for dynamic values.

public import Columnar

extension GUID: Codable {
  /// Reads the text form.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = GUID(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text.prefix(80))' is not a guid")
    }
    self = value
  }

  /// Writes the text form.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension DecimalValue: Codable {
  /// Reads the text form: digits with a point.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard case .decimal(let value)? = ScalarText.parse(text, as: .decimal) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text.prefix(80))' is not a decimal")
    }
    self = value
  }

  /// Writes the text form: digits with a point.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(ValueText.text(.decimal(self)))
  }
}

extension DynamicValue: Codable {
  /// Reads null, booleans, numbers, texts, arrays and keyed values.
  public init(from decoder: any Decoder) throws {
    if let keyed = try? decoder.container(keyedBy: DynamicKey.self) {
      self = .bag(try keyed.allKeys.map { DynamicEntry($0.stringValue, try keyed.decode(DynamicValue.self, forKey: $0)) })
      return
    }
    if var list = try? decoder.unkeyedContainer() {
      var items: [DynamicValue] = []
      while !list.isAtEnd { items.append(try list.decode(DynamicValue.self)) }
      self = .array(items)
      return
    }
    let single = try decoder.singleValueContainer()
    if single.decodeNil() { self = .null }
    else if let value = try? single.decode(Bool.self) { self = .bool(value) }
    else if let value = try? single.decode(Int64.self) { self = .long(value) }
    else if let value = try? single.decode(Double.self) { self = .real(value) }
    else { self = .string(try single.decode(String.self)) }
  }

  /// Writes plain values; datetimes, timespans, guids and decimals as text.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .bag(let entries):
      var keyed = encoder.container(keyedBy: DynamicKey.self)
      for entry in entries { try keyed.encode(entry.value, forKey: DynamicKey(entry.key)) }
    case .array(let items):
      var list = encoder.unkeyedContainer()
      for item in items { try list.encode(item) }
    default:
      var single = encoder.singleValueContainer()
      switch self {
      case .null: try single.encodeNil()
      case .bool(let value): try single.encode(value)
      case .long(let value): try single.encode(value)
      case .real(let value): try single.encode(value)
      case .string(let value): try single.encode(value)
      default: try single.encode(ValueText.text(unwrapped))
      }
    }
  }
}

/// Any text as a coding key.
private struct DynamicKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }

  init(_ text: String) { stringValue = text }
  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
