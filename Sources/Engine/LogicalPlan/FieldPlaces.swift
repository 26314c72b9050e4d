// Role: finds fields of a wide schema by name. Projections mostly pass columns on in their places, so that place is looked at first.

import Columnar

/// Positions of a schema's fields.
struct FieldPlaces {
  private let schema: StructType
  private var byName: [String: Int] = [:]
  private var lookups = 0
  /// So many names are looked for one by one; more of them through a dictionary.
  private static let fewLookups = 16

  init(_ schema: StructType) { self.schema = schema }

  /// The position of the field of that name, which may be `place`; nil when there is none.
  mutating func place(of name: String, near place: Int) -> Int? {
    if place < schema.count, schema[place].name == name { return place }
    lookups += 1
    if lookups < Self.fewLookups { return schema.index(of: name) }
    if byName.isEmpty { byName = Dictionary(schema.names.enumerated().map { ($1, $0) }) { first, _ in first } }
    return byName[name]
  }
}
