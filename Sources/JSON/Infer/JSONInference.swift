// Role: guesses a schema from sample records: one field per member of the top-level objects, in order of first appearance.

package import Columnar

/// Collects members and the types that hold all their values.
package struct JSONInference {
  private struct Member {
    var name: String
    var type: DataType?
    /// The type before a widening, for the report.
    var widened: (from: DataType, to: DataType)?
  }

  private let infersTimestamps: Bool
  private let infersPrimitives: Bool
  private var members: [Member] = []
  private var index: [String: Int] = [:]
  package private(set) var recordCount = 0
  package private(set) var badCount = 0
  private let key = BufferBuilder<UInt8>()

  /// `infersTimestamps`: texts that are all ISO 8601 become datetime. `infersPrimitives` off: all scalars are strings.
  package init(infersTimestamps: Bool, infersPrimitives: Bool = true) {
    self.infersTimestamps = infersTimestamps
    self.infersPrimitives = infersPrimitives
  }

  /// Looks at the record at the cursor and passes it; throws when it is no object.
  package mutating func add(_ cursor: inout JSONCursor) throws(JSONTextError) {
    recordCount += 1
    do throws(JSONTextError) {
      try cursor.openObject()
      var isFirst = true
      while let member = try cursor.nextMember(isFirst: isFirst) {
        isFirst = false
        key.count = 0
        cursor.appendString(member.key, to: key)
        // SAFETY: `key` has `count` bytes and belongs to this value; they are copied.
        let name = unsafe String(decoding: UnsafeBufferPointer(start: UnsafePointer(key.pointer), count: key.count), as: UTF8.self)
        let type = type(of: member.value, cursor)
        guard let i = index[name] else {
          index[name] = members.count
          members.append(Member(name: name, type: type))
          continue
        }
        guard let type else { continue }
        let merged = members[i].type.map { Self.merged($0, type) } ?? type
        if let old = members[i].type, merged != old { members[i].widened = (members[i].widened?.from ?? old, merged) }
        members[i].type = merged
      }
    } catch {
      badCount += 1
      throw error
    }
  }

  /// Nil for null.
  // SAFETY: the value's extent lies within the cursor's text, and parsers read its `n` bytes alone.
  private func type(of value: JSONExtent, _ cursor: JSONCursor) -> DataType? {
    let p = unsafe cursor.base + value.start, n = value.end - value.start
    switch value.kind {
    case .null: return nil
    case .array, .object: return .dynamic
    default: break
    }
    if !infersPrimitives { return .string }
    switch value.kind {
    case .true, .false: return .bool
    // Beyond 64 bits: a decimal while it has room for all digits.
    case .integer: return unsafe ScalarText.parseLong(p, n) != nil ? .long : n <= 34 && ScalarText.parseDecimal(p, n) != nil ? .decimal : .string
    case .number: return .real
    default: return unsafe infersTimestamps && n >= 10 && ScalarText.parseISODateTime(p, n, exact: true) != nil ? .datetime : .string
    }
  }

  /// The type that holds both: decimal before long, real before both, an object or array with anything is dynamic, everything else string.
  private static func merged(_ a: DataType, _ b: DataType) -> DataType {
    if a == b { return a }
    if a == .dynamic || b == .dynamic { return .dynamic }
    if a.isNumeric && b.isNumeric { return a == .real || b == .real ? .real : .decimal }
    return .string
  }

  /// The guess; members that were always null are strings.
  package var schema: StructType { StructType(members.map { StructField($0.name, $0.type ?? .string) }) }

  /// `'x' widened from long to real`, for each column whose type changed.
  package var widenings: [String] {
    members.compactMap { member in member.widened.map { "column '\(member.name)' widened from \($0.from) to \($0.to)" } }
  }
}
