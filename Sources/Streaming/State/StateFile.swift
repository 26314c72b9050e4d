// Role: a version of an operator's state as a file: keys with the time they expire.
//
//     KCSTATE1 | u32 length | header as JSON | per row: its keys, then i64 expiry | u32 crc32 of all before
//
// A key is one byte (0 null, 1 a 64-bit value, 2 a text) and the value; texts are u32 length and UTF-8. Numbers are little endian.

import Codecs
import Columnar
import DataSource
import Delta

/// Keys and expiries, row by row.
struct StateRows {
  var keys: [ColumnVector]
  /// Milliseconds: of the event time, or of the clock.
  var expiries: [Int64]
}

enum StateFile {
  private static let magic = Array("KCSTATE1".utf8)

  static func bytes(_ rows: StateRows, schema: StructType) -> [UInt8] {
    var out = magic
    let header = Array(DynamicValue.object([("schema", .string(schema.description)), ("rows", .long(Int64(rows.expiries.count)))]).json.utf8)
    append(UInt32(header.count), &out)
    out += header
    for i in rows.expiries.indices {
      for column in rows.keys { append(column.scalar(i), &out) }
      append(UInt64(bitPattern: rows.expiries[i]), &out)
    }
    // SAFETY: the bytes live for the call.
    append(unsafe out.withUnsafeBytes { unsafe crc32Checksum($0) }, &out)
    return out
  }

  private static func append<T: FixedWidthInteger>(_ value: T, _ out: inout [UInt8]) {
    for shift in stride(from: 0, to: T.bitWidth, by: 8) { out.append(UInt8(truncatingIfNeeded: value >> T(shift))) }
  }

  private static func append(_ key: Scalar, _ out: inout [UInt8]) {
    switch key {
    case .null: out.append(0)
    case .bool(let v): word(v ? 1 : 0, &out)
    case .int(let v): word(UInt64(bitPattern: Int64(v)), &out)
    case .long(let v), .datetime(let v), .timespan(let v): word(UInt64(bitPattern: v), &out)
    case .real(let v): word(v.bitPattern, &out)
    case .string(let text): self.text(text, &out)
    case .decimal, .guid, .dynamic: text(ScalarText.text(key) ?? "", &out)
    }
  }

  private static func word(_ value: UInt64, _ out: inout [UInt8]) {
    out.append(1)
    append(value, &out)
  }

  private static func text(_ text: String, _ out: inout [UInt8]) {
    out.append(2)
    let bytes = Array(text.utf8)
    append(UInt32(bytes.count), &out)
    out += bytes
  }

  /// True when the checksum is that of the bytes.
  static func isIntact(_ bytes: [UInt8]) -> Bool {
    guard bytes.count >= magic.count + 8, bytes.starts(with: magic) else { return false }
    var cursor = Cursor(bytes: bytes, path: "")
    cursor.at = bytes.count - 4
    // SAFETY: the bytes live for the call.
    let sum = unsafe bytes.withUnsafeBytes { unsafe crc32Checksum(UnsafeRawBufferPointer(rebasing: $0[..<(bytes.count - 4)])) }
    return (try? cursor.number(UInt32.self)) == sum
  }

  /// Reads a file back; throws CHECKPOINT_CONFLICT that names it.
  static func rows(_ bytes: [UInt8], schema: StructType, path: String) throws -> StateRows {
    var cursor = Cursor(bytes: bytes, path: path)
    guard bytes.count >= magic.count + 8 else { throw cursor.damaged("it has \(bytes.count) bytes") }
    // SAFETY: the bytes live for the call.
    let sum = unsafe bytes.withUnsafeBytes { unsafe crc32Checksum(UnsafeRawBufferPointer(rebasing: $0[..<(bytes.count - 4)])) }
    cursor.at = bytes.count - 4
    guard try cursor.number(UInt32.self) == sum else { throw cursor.damaged("its checksum does not match: it is torn or was edited") }
    cursor.end = bytes.count - 4
    cursor.at = 0
    guard try cursor.take(magic.count).elementsEqual(magic) else { throw cursor.damaged("it is not a state file, or one of a newer kconnect") }
    let header = try JSONTree.parse(Array(try cursor.take(Int(try cursor.number(UInt32.self)))), place: "'\(path)'")
    guard header.text("schema") == schema.description, let count = header.integer("rows"), count >= 0, count <= bytes.count else {
      throw cursor.damaged("found the keys '\(header.text("schema") ?? "")', expected '\(schema)'")
    }
    let builders = schema.fields.map { ColumnBuilder($0.type, capacity: count) }
    var expiries: [Int64] = []
    expiries.reserveCapacity(count)
    for _ in 0..<count {
      for (builder, field) in zip(builders, schema.fields) { builder.append(try cursor.key(field.type)) }
      expiries.append(Int64(bitPattern: try cursor.number(UInt64.self)))
    }
    guard cursor.at == cursor.end else { throw cursor.damaged("\(cursor.end - cursor.at) bytes follow the last row") }
    return StateRows(keys: builders.map { $0.finish() }, expiries: expiries)
  }

  private struct Cursor {
    let bytes: [UInt8]
    let path: String
    var at = 0
    var end: Int

    init(bytes: [UInt8], path: String) {
      self.bytes = bytes
      self.path = path
      end = bytes.count
    }

    func damaged(_ what: String) -> KConnectError {
      KConnectError(.checkpointConflict, "'\(path)' cannot be trusted: \(what)", hint: "restore the file from a copy, or see 'kconnect stream repair' for what can be saved")
    }

    mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
      guard count >= 0, count <= end - at else { throw damaged("at byte \(at): \(count) bytes expected, \(end - at) are left") }
      defer { at += count }
      return bytes[at..<at + count]
    }

    mutating func number<T: FixedWidthInteger>(_: T.Type) throws -> T {
      var value: T = 0
      for (i, byte) in try take(T.bitWidth / 8).enumerated() { value |= T(truncatingIfNeeded: byte) << T(8 * i) }
      return value
    }

    mutating func key(_ type: DataType) throws -> Scalar {
      switch try number(UInt8.self) {
      case 0: return .null(type)
      case 1:
        let word = try number(UInt64.self)
        let value = Int64(bitPattern: word)
        switch type {
        case .bool: return .bool(word != 0)
        case .int: return .int(Int32(truncatingIfNeeded: value))
        case .long: return .long(value)
        case .datetime: return .datetime(value)
        case .timespan: return .timespan(value)
        case .real: return .real(Double(bitPattern: word))
        default: throw damaged("at byte \(at): a number for a key of type \(type)")
        }
      case 2:
        let text = String(decoding: try take(Int(try number(UInt32.self))), as: UTF8.self)
        if type == .string { return .string(text) }
        guard let value = ScalarText.parse(text, as: type) else { throw damaged("at byte \(at): '\(text.prefix(40))' is no \(type)") }
        return value
      case let tag: throw damaged("at byte \(at): unknown mark \(tag)")
      }
    }
  }
}
