// Role: one schema out of the schemas of many files: which type holds both, and messages that name files, columns and types.

package import Columnar
import DataSource

/// Schema decisions for many files.
package enum SchemaMerge {
  /// The type both values fit without loss of range: int → long → real or decimal; nil when there is none. A long that no real
  /// holds exactly (beyond 2^53) is refused when it is read, see `FileView`.
  package static func widened(_ a: DataType, _ b: DataType) -> DataType? {
    if a == b { return a }
    let rank: [DataType: Int] = [.int: 0, .long: 1, .decimal: 2, .real: 3]
    guard let x = rank[a], let y = rank[b] else { return nil }
    if min(x, y) == 2 { return nil }
    return x > y ? a : b
  }

  /// True when a file's column can be shown as the table's type: a wider one, or in a table whose schema stands in a catalog the type that
  /// another writer stored as text or number.
  static func isConvertible(_ own: DataType, to type: DataType, hasCatalog: Bool) -> Bool {
    if widened(own, type) == type { return true }
    switch (own, type) {
    case (.string, .guid), (.string, .dynamic), (.string, .decimal), (.long, .timespan), (.guid, .string), (.dynamic, .string), (.timespan, .long): return hasCatalog
    default: return false
    }
  }

  /// For types guessed from text: what holds both always exists; string at last, dynamic where one is.
  package static func widenedGuess(_ a: DataType, _ b: DataType) -> DataType {
    if let type = widened(a, b) { return type }
    if a == .dynamic || b == .dynamic { return .dynamic }
    if a.isNumeric && b.isNumeric { return .real }
    return .string
  }

  /// The union by name, in order of first appearance. Throws SCHEMA_MISMATCH for a column whose types have no common one.
  package static func union(_ schemas: [(path: String, schema: StructType)], isGuessed: Bool) throws -> StructType {
    var fields: [StructField] = []
    var position: [String: Int] = [:]
    var origin: [String] = []
    for (path, schema) in schemas {
      for field in schema.fields {
        guard let i = position[field.name] else {
          position[field.name] = fields.count
          fields.append(StructField(field.name, field.type, hint: field.hint))
          origin.append(path)
          continue
        }
        if let type = isGuessed ? widenedGuess(fields[i].type, field.type) : widened(fields[i].type, field.type) {
          fields[i].type = type
          fields[i].hint = commonHint(fields[i].hint, field.hint)
        } else {
          throw mismatch(field.name, origin[i], fields[i].type, path, field.type, hint: "cast one of them; mergeSchema widens int → long → real and int → long → decimal only")
        }
      }
    }
    return StructType(fields)
  }

  /// What is true of the values of both.
  static func commonHint(_ a: StorageHint?, _ b: StorageHint?) -> StorageHint? {
    if a == b { return a }
    guard case .decimal(let p, let s)? = a, case .decimal(let q, let t)? = b else { return nil }
    let scale = max(s, t)
    let precision = max(p - s, q - t) + scale
    return precision <= 38 ? .decimal(precision: precision, scale: scale) : nil
  }

  /// `schema` with the hints that hold in all `others` too, every column nullable: what may be promised of many files.
  static func weakened(_ schema: StructType, by others: [StructType]) -> StructType {
    StructType(
      schema.fields.map { field in
        var field = field
        field.nullable = true
        for other in others { if let own = other.field(field.name) { field.hint = commonHint(field.hint, own.hint) } }
        return field
      })
  }

  /// The error of two files that disagree.
  static func mismatch(_ column: String, _ firstPath: String, _ first: DataType, _ path: String, _ type: DataType, hint: String) -> KConnectError {
    KConnectError(.schemaMismatch, "column '\(column)' is \(first) in '\(firstPath)' but \(type) in '\(path)'", hint: hint)
  }

  /// A readable difference of an existing schema and an incoming one; nil when there is none. Order counts only when `ordered`.
  package static func difference(existing: StructType, incoming: StructType, comparesTypes: Bool, ordered: Bool) -> String? {
    var lines: [String] = []
    for field in existing.fields {
      if let other = incoming.field(field.name) {
        if comparesTypes, other.type != field.type { lines.append("'\(field.name)' is \(field.type) there, \(other.type) here") }
      } else {
        lines.append("'\(field.name)' (\(field.type)) is missing here")
      }
    }
    for field in incoming.fields where existing.field(field.name) == nil { lines.append("'\(field.name)' (\(field.type)) is new") }
    if lines.isEmpty, ordered, existing.names != incoming.names {
      lines.append("the order differs: \(existing.names.joined(separator: ", ")) there, \(incoming.names.joined(separator: ", ")) here")
    }
    return lines.isEmpty ? nil : lines.joined(separator: "; ")
  }
}

extension ColumnVector {
  /// The first long that no real holds exactly.
  var firstInexactAsReal: Int64? {
    let flat = flattened
    guard type == .long, case .long(let values) = flat.storage else { return nil }
    for i in 0..<count where values[i].magnitude > 1 << 53 && flat.isValid(i) && Int64(exactly: Double(values[i])) != values[i] { return values[i] }
    return nil
  }

  /// The values as a type that `SchemaMerge.isConvertible` allows.
  func converted(to target: DataType) -> ColumnVector {
    switch (type, target) {
    case (.long, .timespan), (.timespan, .long): retyped(target)
    case (.string, .dynamic): parsedJSON()
    case (.string, _), (.guid, _), (.dynamic, _): cast(to: target)
    default: widened(to: target)
    }
  }

  /// Texts as the JSON values they hold; what is no JSON is a dynamic string.
  private func parsedJSON() -> ColumnVector {
    let flat = flattened
    guard case .bytes(let offsets, let data) = flat.storage else { return .nulls(.dynamic, count: count) }
    let parser = DynamicParser(.json)
    let out = StringBuilder(rows: count, bytes: data.count + count * 4)
    for i in 0..<count {
      defer { out.endRow() }
      let start = Int(offsets[i])
      // SAFETY: offsets of a vector lie within its data, which `flat` keeps alive.
      let text = unsafe UnsafeBufferPointer(start: data.pointer + start, count: Int(offsets[i + 1]) - start)
      if text.isEmpty { continue }
      do throws(JSONTextError) { try unsafe parser.parse(text, into: out.data) } catch {
        unsafe DynamicValue.string(String(decoding: text, as: UTF8.self)).binary.withUnsafeBufferPointer { unsafe out.data.append(contentsOf: $0) }
      }
    }
    withExtendedLifetime((offsets, data)) {}
    return out.finish(.dynamic, validity: validity)
  }

  /// The values as a wider type (`SchemaMerge.widened`); forms are kept. Other pairs are a programming error.
  func widened(to target: DataType) -> ColumnVector {
    if type == target { return self }
    switch storage {
    case .constant(let value):
      return ColumnVector(type: target, count: count, validity: validity, storage: .constant(value: value.widened(to: target)))
    case .dictionary(let codes, let values):
      return ColumnVector(type: target, count: count, validity: validity, storage: .dictionary(codes: codes, values: values.widened(to: target)))
    case .int(let b):
      switch target {
      case .long: return .long(mapped(b) { Int64($0) }, validity: validity)
      case .real: return .real(mapped(b) { Double($0) }, validity: validity)
      default: return .decimal(mapped(b) { Int64($0) }, scale: 0, validity: validity)
      }
    case .long(let b):
      return target == .real ? .real(mapped(b) { Double($0) }, validity: validity) : .decimal(b, scale: 0, validity: validity)
    default: preconditionFailure("\(type) does not widen to \(target)")
    }
  }
}

@inline(__always) private func mapped<A: BitwiseCopyable & Sendable, B: BitwiseCopyable & Sendable>(_ source: Buffer<A>, _ convert: (A) -> B) -> Buffer<B> {
  let builder = BufferBuilder<B>(capacity: source.count)
  let out = unsafe builder.appendUninitialized(source.count)
  unsafe source.withUnsafe { from in for i in 0..<from.count { unsafe out[i] = unsafe convert(from[i]) } }
  return builder.finish()
}
