// Role: one value at a cursor: into a column, as a dynamic value, or passed over. Source: Apache Avro, "Binary Encoding", "Logical Types".

import Columnar

/// Reads values of a schema's types. Immutable.
struct AvroValues {
  private let nodes: [AvroNode]
  /// Bytes that a value of a type has at least.
  private let least: [Int]
  /// Parts that a record counts for, its names among them: a dynamic value holds them once more.
  private let weights: [Int]
  /// Values inside values at most.
  private static let mostDepth = 64

  init(_ schema: AvroSchema) {
    nodes = schema.nodes
    var known = [Int?](repeating: nil, count: nodes.count)
    // Types refer to those inside them, and to earlier ones, which are known by then.
    for index in nodes.indices { _ = Self.leastBytes(of: index, nodes, &known) }
    least = known.map { $0 ?? 0 }
    weights = nodes.map { node in 1 + node.names.reduce(0) { $0 + $1.utf8.count } / 64 }
  }

  private static func leastBytes(of index: Int, _ nodes: [AvroNode], _ known: inout [Int?]) -> Int {
    if let found = known[index] { return found }
    // A type that is met inside itself counts nothing.
    known[index] = 0
    let node = nodes[index]
    let count: Int
    switch node.kind {
    case .null: count = 0
    case .float: count = 4
    case .double: count = 8
    case .fixed, .decimalFixed, .uuidFixed: count = node.size
    case .record: count = node.children.reduce(0) { min($0 + leastBytes(of: $1, nodes, &known), 1 << 20) }
    case .array, .map, .union:
      for child in node.children { _ = leastBytes(of: child, nodes, &known) }
      count = 1
    default: count = 1
    }
    known[index] = count
    return count
  }

  // MARK: Columns

  /// Puts the value of type `index` into a column of the type's column type.
  func read(_ index: Int, into column: ColumnBuilder, _ cursor: inout AvroCursor) throws {
    if column.type == .dynamic {
      let value = try value(index, &cursor, 0)
      if case .null = value { column.appendNull() } else { column.append(dynamic: value) }
      return
    }
    switch nodes[index].kind {
    case .null: column.appendNull()
    case .boolean: column.append(bool: try bool(&cursor))
    case .int:
      let number = try cursor.int()
      if column.type == .long { column.append(long: Int64(number)) } else { column.append(int: number) }
    case .long: column.append(long: try cursor.long())
    case .float: column.append(real: try cursor.float())
    case .double: column.append(real: try cursor.double())
    case .string:
      let place = try cursor.takeCounted()
      column.append(cursor.bytes, place, isBinary: false)
    case .bytes:
      let place = try cursor.takeCounted()
      column.append(cursor.bytes, place, isBinary: true)
    case .fixed:
      let place = try cursor.take(nodes[index].size)
      column.append(cursor.bytes, place, isBinary: true)
    case .enumeration: column.append(text: try symbol(index, &cursor))
    case .date, .timestampMillis, .timestampMicros, .timestampNanos: column.append(long: try datetime(nodes[index].kind, &cursor))
    case .timeMillis, .timeMicros: column.append(long: try timespan(nodes[index].kind, &cursor))
    case .decimalBytes, .decimalFixed: column.append(decimal: try decimal(index, &cursor))
    case .uuidText, .uuidFixed: column.append(guid: try guid(nodes[index].kind, &cursor))
    case .union:
      let child = try branch(index, &cursor)
      try read(child, into: column, &cursor)
    // Their columns are dynamic.
    case .record, .array, .map: throw cursor.error("a nested value in a column of \(column.type)")
    }
  }

  private func bool(_ cursor: inout AvroCursor) throws -> Bool {
    let byte = try cursor.byte()
    guard byte < 2 else { throw cursor.error("the byte \(byte) as a boolean") }
    return byte == 1
  }

  /// The type of the branch that comes.
  private func branch(_ index: Int, _ cursor: inout AvroCursor) throws -> Int {
    let number = try cursor.long()
    let children = nodes[index].children
    guard number >= 0, number < Int64(children.count) else { throw cursor.error("branch \(number) of a union of \(children.count)") }
    return children[Int(number)]
  }

  private func symbol(_ index: Int, _ cursor: inout AvroCursor) throws -> String {
    let number = try cursor.long()
    let symbols = nodes[index].names
    guard number >= 0, number < Int64(symbols.count) else { throw cursor.error("symbol \(number) of an enum of \(symbols.count)") }
    return symbols[Int(number)]
  }

  /// The first and the last tick of the years 1 to 9999.
  private static let ticks: ClosedRange<Int64> = -621_355_968_000_000_000...2_534_023_007_999_999_999

  private func datetime(_ kind: AvroKind, _ cursor: inout AvroCursor) throws -> Int64 {
    let number = try kind == .date ? Int64(cursor.int()) : cursor.long()
    if kind == .timestampNanos {
      guard number % 100 == 0 else { throw cursor.error("a time of \(number) ns since 1970: a datetime has steps of 100 ns", .value) }
      return number / 100
    }
    let unit: Int64 = kind == .date ? 864_000_000_000 : kind == .timestampMillis ? 10_000 : 10
    let (ticks, overflow) = number.multipliedReportingOverflow(by: unit)
    guard !overflow, Self.ticks.contains(ticks) else { throw cursor.error("a time outside of the years 1 to 9999", .value) }
    return ticks
  }

  private func timespan(_ kind: AvroKind, _ cursor: inout AvroCursor) throws -> Int64 {
    if kind == .timeMillis { return Int64(try cursor.int()) * 10_000 }
    let (ticks, overflow) = try cursor.long().multipliedReportingOverflow(by: 10)
    guard !overflow else { throw cursor.error("a time of day of more than 29,000 years", .value) }
    return ticks
  }

  private func decimal(_ index: Int, _ cursor: inout AvroCursor) throws -> DecimalValue {
    var place = try nodes[index].kind == .decimalFixed ? cursor.take(nodes[index].size) : cursor.takeCounted()
    guard let first = place.first else { return DecimalValue(0, scale: nodes[index].scale) }
    let sign: UInt8 = cursor.bytes[first] < 0x80 ? 0 : 0xFF
    // Leading bytes that only repeat the sign.
    while place.count > 16, cursor.bytes[place.lowerBound] == sign { place = place.lowerBound + 1..<place.upperBound }
    var bits: UInt128 = sign == 0 ? 0 : .max
    for i in place { bits = bits << 8 | UInt128(cursor.bytes[i]) }
    let coefficient = Int128(truncatingIfNeeded: bits)
    guard place.count <= 16, (coefficient < 0) == (sign != 0), coefficient.magnitude < powerOfTen(38).magnitude else {
      throw cursor.error("a decimal of more than 38 digits", .value)
    }
    return DecimalValue(coefficient, scale: nodes[index].scale)
  }

  private func guid(_ kind: AvroKind, _ cursor: inout AvroCursor) throws -> GUID {
    if kind == .uuidText {
      let place = try cursor.takeCounted()
      guard let value = GUID(String(decoding: cursor.bytes[place], as: UTF8.self)) else { throw cursor.error("a text that is no UUID", .value) }
      return value
    }
    let place = try cursor.take(16)
    var high: UInt64 = 0, low: UInt64 = 0
    for i in place.prefix(8) { high = high << 8 | UInt64(cursor.bytes[i]) }
    for i in place.suffix(8) { low = low << 8 | UInt64(cursor.bytes[i]) }
    return GUID(high: high, low: low)
  }

  // MARK: Dynamic values

  private func value(_ index: Int, _ cursor: inout AvroCursor, _ depth: Int) throws -> DynamicValue {
    guard depth <= Self.mostDepth else { throw cursor.error("values nested deeper than \(Self.mostDepth)", .notSupported) }
    switch nodes[index].kind {
    case .null: return .null
    case .boolean: return .bool(try bool(&cursor))
    case .int: return .long(Int64(try cursor.int()))
    case .long: return .long(try cursor.long())
    case .float: return .real(try cursor.float())
    case .double: return .real(try cursor.double())
    case .string:
      let place = try cursor.takeCounted()
      return .string(AvroText.text(cursor.bytes[place], isBinary: false))
    case .bytes:
      let place = try cursor.takeCounted()
      return .string(AvroText.text(cursor.bytes[place], isBinary: true))
    case .fixed:
      let place = try cursor.take(nodes[index].size)
      return .string(AvroText.text(cursor.bytes[place], isBinary: true))
    case .enumeration: return .string(try symbol(index, &cursor))
    case .date, .timestampMillis, .timestampMicros, .timestampNanos: return .datetime(try datetime(nodes[index].kind, &cursor))
    case .timeMillis, .timeMicros: return .timespan(try timespan(nodes[index].kind, &cursor))
    case .decimalBytes, .decimalFixed: return .decimal(try decimal(index, &cursor))
    case .uuidText, .uuidFixed: return .guid(try guid(nodes[index].kind, &cursor))
    case .union:
      let child = try branch(index, &cursor)
      return try value(child, &cursor, depth + 1)
    case .record:
      try cursor.spend(weights[index])
      let node = nodes[index]
      var entries: [DynamicEntry] = []
      entries.reserveCapacity(node.names.count)
      for (name, child) in zip(node.names, node.children) { entries.append(DynamicEntry(name, try value(child, &cursor, depth + 1))) }
      return .bag(entries)
    case .array:
      let item = nodes[index].children[0]
      var items: [DynamicValue] = []
      while true {
        let count = try cursor.run(leastBytes: least[item])
        if count == 0 { return .array(items) }
        for _ in 0..<count { items.append(try value(item, &cursor, depth + 1)) }
      }
    case .map:
      let item = nodes[index].children[0]
      var entries: [DynamicEntry] = []
      // Of equal keys the last counts.
      var known: [ArraySlice<UInt8>: Int] = [:]
      while true {
        let count = try cursor.run(leastBytes: 1 + least[item])
        if count == 0 { return .bag(entries) }
        for _ in 0..<count {
          let keyPlace = try cursor.takeCounted()
          let key = cursor.bytes[keyPlace]
          let entry = DynamicEntry(AvroText.text(key, isBinary: false), try value(item, &cursor, depth + 1))
          if let place = known[key] { entries[place] = entry } else {
            known[key] = entries.count
            entries.append(entry)
          }
        }
      }
    }
  }

  // MARK: Passing over

  /// Passes a value of type `index`.
  func skip(_ index: Int, _ cursor: inout AvroCursor, _ depth: Int) throws {
    guard depth <= Self.mostDepth else { throw cursor.error("values nested deeper than \(Self.mostDepth)", .notSupported) }
    switch nodes[index].kind {
    case .null: break
    case .boolean: _ = try cursor.byte()
    case .int, .long, .enumeration, .date, .timeMillis, .timeMicros, .timestampMillis, .timestampMicros, .timestampNanos: _ = try cursor.long()
    case .float: _ = try cursor.take(4)
    case .double: _ = try cursor.take(8)
    case .string, .bytes, .uuidText, .decimalBytes: _ = try cursor.takeCounted()
    case .fixed, .decimalFixed, .uuidFixed: _ = try cursor.take(nodes[index].size)
    case .union:
      let child = try branch(index, &cursor)
      try skip(child, &cursor, depth + 1)
    case .record:
      try cursor.spend(1)
      for child in nodes[index].children { try skip(child, &cursor, depth + 1) }
    case .array, .map:
      let item = nodes[index].children[0], isMap = nodes[index].kind == .map
      while true {
        let count = try cursor.run(leastBytes: least[item] + (isMap ? 1 : 0))
        if count == 0 { return }
        for _ in 0..<count {
          if isMap { _ = try cursor.takeCounted() }
          try skip(item, &cursor, depth + 1)
        }
      }
    }
  }
}
