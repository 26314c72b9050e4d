// Role: the cells of a dynamic column as arrays of elements, read in place.

import Columnar
import Expressions

/// A dynamic column seen as lists: a null cell is one null, an array or bag its elements, anything else one element.
struct DynamicCells {
  private let vector: ColumnVector
  /// All rows are the first one.
  private let isConstant: Bool
  private let offsets: Buffer<Int32>
  private let data: Buffer<UInt8>

  init(_ vector: ColumnVector) {
    // A long list that all rows share is not written out for each.
    let flat: ColumnVector
    if case .constant(let value) = vector.storage, vector.count > 0 {
      (isConstant, flat) = (true, value.flattened)
    } else {
      (isConstant, flat) = (false, vector.flattened)
    }
    self.vector = vector
    if case .bytes(let offsets, let data) = flat.storage {
      (self.offsets, self.data) = (offsets, data)
    } else {
      (offsets, data) = (Buffer(repeating: 0, count: flat.count + 1), .empty)
    }
  }

  /// The cell, valid while this value is; a null row reads as null.
  @inline(__always) private func view(_ row: Int) -> DynamicView {
    // SAFETY: rows lie within the column, whose offsets lie within its data; this value keeps both alive.
    guard vector.isValid(row) else { return unsafe DynamicView(data.pointer, 0) }
    let slot = isConstant ? 0 : row
    return unsafe DynamicView(data.pointer + Int(offsets[slot]), Int(offsets[slot + 1] - offsets[slot]))
  }

  /// How many rows the cell gives.
  func elementCount(_ row: Int) -> Int {
    let cell = view(row)
    switch cell.tag {
    case .array, .bag: return cell.childCount
    default: return 1
    }
  }

  /// Element `indices[i]` of cell `rows[i]` as a dynamic column; beyond the end, and where the type asked for does not take it, null.
  func elements(_ rows: Buffer<Int32>, _ indices: Buffer<Int32>, _ conversion: ElementConversion, bagsAsArrays: Bool) -> ColumnVector {
    let out = StringBuilder(rows: rows.count, bytes: rows.count * 9)
    let validity = BitmapBuilder(capacity: rows.count)
    for i in 0..<rows.count {
      let cell = view(Int(rows[i]))
      let k = Int(indices[i])
      let isPresent: Bool
      switch cell.tag {
      case .array: isPresent = cell.element(k).map { append($0, conversion, out) } ?? false
      case .bag: isPresent = conversion.takes(.bag) && appendEntry(cell, k, asArray: bagsAsArrays, out)
      default: isPresent = k == 0 && append(cell, conversion, out)
      }
      validity.append(isPresent)
      out.endRow()
    }
    return out.finish(.dynamic, validity: validity.finishValidity())
  }

  // MARK: Elements of one kind

  /// The elements of cells `rows`, each from its first on, as a column of the type, when the cells are arrays whose elements are of that kind, or null: then they are read one behind the other.
  func plainElements(_ rows: Buffer<Int32>, as type: DataType) -> ColumnVector? {
    switch type {
    case .long:
      let values = BufferBuilder<Int64>(capacity: rows.count)
      guard let validity = unsafe plain(rows, 8, { tag, base in
        guard tag == .long else { return false }
        // SAFETY: `plain` has found 8 bytes there.
        values.append(unsafe UnsafeRawPointer(base).loadUnaligned(as: Int64.self))
        return true
      }, missing: { values.append(0) }) else { return nil }
      return .long(values.finish(), validity: validity.finishValidity())
    case .real:
      let values = BufferBuilder<Double>(capacity: rows.count)
      guard let validity = unsafe plain(rows, 8, { tag, base in
        // SAFETY: as above.
        let bits = unsafe UnsafeRawPointer(base).loadUnaligned(as: Int64.self)
        guard tag == .real || tag == .long else { return false }
        values.append(tag == .real ? Double(bitPattern: UInt64(bitPattern: bits)) : Double(bits))
        return true
      }, missing: { values.append(0) }) else { return nil }
      return .real(values.finish(), validity: validity.finishValidity())
    case .string: return plainTexts(rows)
    default: return nil
    }
  }

  /// Gives the payload of each element, which has `size` bytes behind its tag, to `take`; nil when a cell is no array or an element is refused.
  @inline(__always) private func plain(
    _ rows: Buffer<Int32>, _ size: Int, _ take: (DynamicTag, UnsafePointer<UInt8>) -> Bool, missing: () -> Void
  ) -> BitmapBuilder? {
    let validity = BitmapBuilder(capacity: rows.count)
    var i = 0
    while i < rows.count {
      let row = rows[i], cell = view(Int(row))
      guard cell.tag == .array else { return nil }
      let count = cell.childCount
      var at = 5 + 4 * count, k = 0
      repeat {
        // SAFETY: each read is checked against the cell's bytes first.
        let tag = unsafe k < count && at < cell.count ? DynamicTag(rawValue: cell.base[at]) ?? .null : .null
        if tag == .null {
          missing()
          validity.append(false)
          at += 1
        } else {
          guard at + 1 + size <= cell.count, unsafe take(tag, cell.base + at + 1) else { return nil }
          validity.append(true)
          at += 1 + size
        }
        k += 1
        i += 1
      } while i < rows.count && rows[i] == row
    }
    return validity
  }

  /// Texts of cells that are arrays of texts; a null is ''.
  private func plainTexts(_ rows: Buffer<Int32>) -> ColumnVector? {
    let out = StringBuilder(rows: rows.count, bytes: rows.count * 8)
    var i = 0
    while i < rows.count {
      let row = rows[i], cell = view(Int(row))
      guard cell.tag == .array else { return nil }
      let count = cell.childCount
      var k = 0
      repeat {
        if k < count, let element = cell.element(k), element.tag != .null {
          guard element.tag == .string else { return nil }
          // SAFETY: the element is a window on the column's data, which this value keeps alive.
          unsafe out.append(element.stringBytes)
        } else {
          out.appendEmpty()
        }
        k += 1
        i += 1
      } while i < rows.count && rows[i] == row
    }
    return out.finish()
  }

  private func append(_ element: DynamicView, _ conversion: ElementConversion, _ out: StringBuilder) -> Bool {
    guard element.tag != .null, conversion.takes(element.tag) else { return false }
    // SAFETY: the element is a window on the column's data, which the caller keeps alive.
    unsafe out.data.append(contentsOf: UnsafeBufferPointer(start: element.base, count: element.count))
    return true
  }

  private func appendEntry(_ bag: DynamicView, _ k: Int, asArray: Bool, _ out: StringBuilder) -> Bool {
    // SAFETY: as in `append`.
    guard let entry = unsafe bag.entry(k) else { return false }
    let key = unsafe String(decoding: entry.key, as: UTF8.self)
    let value: DynamicValue = unsafe asArray ? .array([.string(key), entry.value.value]) : .bag([DynamicEntry(key, entry.value.value)])
    unsafe value.binary.withUnsafeBufferPointer { unsafe out.data.append(contentsOf: $0) }
    return true
  }
}

/// The type that elements of arrays are given. It is a cast, not a conversion: elements of other kinds become null.
struct ElementConversion: Sendable {
  let type: DataType
  private let compiled: CompiledExpr?
  private static let schema = StructType([StructField("element", .dynamic)])

  init(_ type: DataType, context: EvaluationContext) throws {
    self.type = type
    compiled = type == .dynamic ? nil : try CompiledExpr(.call("to\(type)", [.column("element")]), schema: Self.schema, context: context)
  }

  /// Whether elements of a kind have a value of the type.
  func takes(_ tag: DynamicTag) -> Bool {
    switch type {
    case .dynamic, .string: true
    case .bool: tag == .true || tag == .false
    case .int, .long, .real, .decimal: tag == .long || tag == .real || tag == .decimal
    case .datetime: tag == .datetime || tag == .string
    case .timespan: tag == .timespan || tag == .string
    case .guid: tag == .guid || tag == .string
    }
  }

  /// A dynamic column as a column of the type.
  func convert(_ elements: ColumnVector) throws -> ColumnVector {
    guard let compiled else { return elements }
    return try compiled.evaluate(RecordBatch(schema: Self.schema, columns: [elements], rowCount: elements.count))
  }
}
