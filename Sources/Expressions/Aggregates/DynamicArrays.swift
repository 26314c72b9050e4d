// Role: builds dynamic columns of arrays, one per group, straight from typed columns into the binary form (see DynamicValue.swift).

import Columnar

/// Writes the rows of one column as elements of dynamic arrays.
private struct ElementWriter {
  let vector: ColumnVector

  /// Appends row i in binary form.
  // SAFETY: row i exists, so its bytes lie within `data`, which the vector keeps alive; a scalar's binary form lives for the call.
  @inline(__always) func append(_ i: Int, to out: BufferBuilder<UInt8>) {
    guard vector.isValid(i) else { return out.append(DynamicTag.null.rawValue) }
    switch vector.storage {
    case .bool(let b): out.append((b[i] ? DynamicTag.true : .false).rawValue)
    case .int(let b): put(.long, Int64(b[i]), out)
    case .long(let b):
      switch vector.type {
      case .datetime: put(.datetime, b[i], out)
      case .timespan: put(.timespan, b[i], out)
      default: put(.long, b[i], out)
      }
    case .real(let b): put(.real, b[i].bitPattern, out)
    case .guid(let b):
      put(.guid, b[i].high, out)
      bytes(of: b[i].low, out)
    case .bytes(let offsets, let data):
      let start = Int(offsets[i]), length = Int(offsets[i + 1]) - start
      if vector.type == .string { put(.string, UInt32(truncatingIfNeeded: length), out) } else if length == 0 { return out.append(DynamicTag.null.rawValue) }
      unsafe out.append(contentsOf: UnsafeBufferPointer(start: data.pointer + start, count: length))
    default: unsafe DynamicValue(vector.scalar(i)).binary.withUnsafeBufferPointer { unsafe out.append(contentsOf: $0) }
    }
  }

  @inline(__always) private func put<T: BitwiseCopyable>(_ tag: DynamicTag, _ value: T, _ out: BufferBuilder<UInt8>) {
    out.append(tag.rawValue)
    bytes(of: value, out)
  }

  // SAFETY: `size` fresh bytes are written whole; storing raw bytes needs no alignment.
  @inline(__always) private func bytes<T: BitwiseCopyable>(of value: T, _ out: BufferBuilder<UInt8>) {
    let size = MemoryLayout<T>.size
    unsafe UnsafeMutableRawPointer(out.appendUninitialized(size)).storeBytes(of: value, as: T.self)
  }
}

extension DynamicValue {
  /// The value of a scalar as a dynamic.
  init(_ scalar: Scalar) {
    switch scalar {
    case .null: self = .null
    case .bool(let v): self = .bool(v)
    case .int(let v): self = .long(Int64(v))
    case .long(let v): self = .long(v)
    case .real(let v): self = .real(v)
    case .decimal(let v): self = .decimal(v)
    case .string(let v): self = .string(v)
    case .datetime(let v): self = .datetime(v)
    case .timespan(let v): self = .timespan(v)
    case .guid(let v): self = .guid(v)
    case .dynamic(let v): self = v
    }
  }
}

/// One array per group: the rows of `values` whose group it is, in order, at most `limit` of them. Groups without rows get an empty array.
// SAFETY: callers hand over a group below groupCount for each row. The table of `count` ends was appended before the elements, and its address is
// taken anew for each end, since the builder may have moved.
func dynamicArrays(_ values: ColumnVector, groups: UnsafePointer<Int32>, groupCount: Int, limit: Int) -> ColumnVector {
  let flat = values.flattened
  let n = flat.count
  // Counting sort of the rows by group.
  var starts = [Int](repeating: 0, count: groupCount + 1)
  for i in 0..<n { unsafe starts[Int(groups[i]) + 1] += 1 }
  for g in 0..<groupCount { starts[g + 1] += starts[g] }
  var fill = starts
  var order = [Int32](repeating: 0, count: n)
  for i in 0..<n {
    let g = unsafe Int(groups[i])
    order[fill[g]] = Int32(truncatingIfNeeded: i)
    fill[g] += 1
  }
  let out = StringBuilder(rows: groupCount)
  /// Arrays of numbers of one kind, each written as a block.
  func blocks(_ tag: DynamicTag, _ bits: (Int) -> UInt64) -> ColumnVector {
    for g in 0..<groupCount {
      let start = starts[g]
      appendBlock(tag, min(starts[g + 1] - start, limit), out.data) { bits(Int(order[start + $0])) }
      out.endRow()
    }
    return out.finish(.dynamic)
  }
  switch flat.storage {
  case .long(let values) where flat.validity == nil:
    return blocks(flat.type == .datetime ? .datetime : flat.type == .timespan ? .timespan : .long) { UInt64(bitPattern: values[$0]) }
  case .real(let values) where flat.validity == nil: return blocks(.real) { values[$0].bitPattern }
  default: break
  }
  let writer = ElementWriter(vector: flat)
  for g in 0..<groupCount {
    let count = min(starts[g + 1] - starts[g], limit)
    let data = out.data
    data.append(DynamicTag.array.rawValue)
    appendWord(UInt32(truncatingIfNeeded: count), data)
    let table = data.count
    unsafe data.appendUninitialized(4 * count).update(repeating: 0, count: 4 * count)
    let first = data.count
    for k in 0..<count {
      writer.append(Int(order[starts[g] + k]), to: data)
      unsafe UnsafeMutableRawPointer(data.pointer + table + 4 * k).storeBytes(of: UInt32(truncatingIfNeeded: data.count - first), as: UInt32.self)
    }
    out.endRow()
  }
  return out.finish(.dynamic)
}

/// The elements of arrays that `dynamicArrays` made of values of `type`, in order, each with the group of its array's row. Nulls stay nulls.
// SAFETY: row i's bytes lie within the vector, which is kept alive to the end; elements are windows on them, copied at once.
func arrayElements(_ arrays: ColumnVector, _ groups: Buffer<Int32>, type: DataType) -> (values: ColumnVector, groups: Buffer<Int32>) {
  defer { withExtendedLifetime(arrays) {} }
  let rows = DynamicRows(arrays)
  let owners = BufferBuilder<Int32>(capacity: arrays.count)
  if type == .decimal {
    // Each keeps its own digits.
    let coefficients = BufferBuilder<Int128>(capacity: arrays.count), scales = BufferBuilder<Int16>(capacity: arrays.count)
    let valid = BitmapBuilder(capacity: arrays.count)
    for i in 0..<arrays.count {
      let array = rows[i]
      for k in 0..<array.childCount {
        let element = array.element(k), value = element?.decimal ?? DecimalValue(0, scale: 0)
        coefficients.append(value.coefficient)
        scales.append(Int16(clamping: value.scale))
        valid.append(element.map { $0.tag != .null } ?? false)
        owners.append(groups[i])
      }
    }
    let count = owners.count
    let values = ColumnVector(type: .decimal, count: count, validity: valid.finishValidity(), storage: .decimal128(coefficients.finish(), scales: scales.finish()))
    return (values, owners.finish())
  }
  guard type.isVariableWidth else {
    let out = ColumnBuilder(type, capacity: arrays.count)
    for i in 0..<arrays.count {
      let array = rows[i]
      for k in 0..<array.childCount {
        out.append(elementScalar(array.element(k), type))
        owners.append(groups[i])
      }
    }
    return (out.finish(), owners.finish())
  }
  let out = StringBuilder(rows: arrays.count)
  let valid = BitmapBuilder(capacity: arrays.count)
  for i in 0..<arrays.count {
    let array = rows[i]
    for k in 0..<array.childCount {
      let element = array.element(k)
      if let element, element.tag != .null {
        unsafe out.append(type == .string ? element.stringBytes : UnsafeBufferPointer(start: element.base, count: element.count))
        valid.append(true)
      } else {
        out.appendEmpty()
        valid.append(false)
      }
      owners.append(groups[i])
    }
  }
  return (out.finish(type, validity: valid.finishValidity()), owners.finish())
}

/// An element of fixed width as a scalar.
private func elementScalar(_ element: DynamicView?, _ type: DataType) -> Scalar {
  guard let element, element.tag != .null else { return .null(type) }
  switch type {
  case .bool: return .bool(element.tag == .true)
  case .int: return .int(Int32(truncatingIfNeeded: element.int64))
  case .long: return .long(element.int64)
  case .datetime: return .datetime(element.int64)
  case .timespan: return .timespan(element.int64)
  case .real: return .real(element.real)
  case .guid: return .guid(element.guid)
  case .decimal, .string, .dynamic: return .null(type)
  }
}

// SAFETY: four fresh bytes are written whole.
private func appendWord(_ value: UInt32, _ out: BufferBuilder<UInt8>) {
  unsafe UnsafeMutableRawPointer(out.appendUninitialized(4)).storeBytes(of: value, as: UInt32.self)
}
