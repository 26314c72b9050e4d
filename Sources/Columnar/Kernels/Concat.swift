// Role: puts vectors of one type behind each other. Equal dictionaries (same memory) stay a dictionary; everything else becomes flat.

extension ColumnVector {
  /// The rows of all parts in order; `type` serves when there is none. Text beyond 2 GiB in all traps: callers concatenate bounded batches.
  package static func concat(_ parts: [ColumnVector], type: DataType) -> ColumnVector {
    let parts = parts.filter { $0.count > 0 }
    if parts.isEmpty { return ColumnBuilder(type).finish() }
    if parts.count == 1 { return parts[0] }
    let n = parts.reduce(0) { $0 + $1.count }
    let validity = concatValidity(parts, n)
    if let shared = sharedDictionary(parts) {
      return ColumnVector(type: type, count: n, validity: validity, storage: .dictionary(codes: shared.codes, values: shared.values))
    }
    let flat = parts.map(\.flattened)
    let storage: VectorStorage
    switch flat[0].storage {
    case .bool:
      let builder = BitmapBuilder(capacity: n)
      for part in flat { if case .bool(let b) = part.storage { builder.append(b) } }
      storage = .bool(builder.finish())
    case .int: storage = .int(join(flat) { if case .int(let b) = $0.storage { b } else { nil } })
    case .long: storage = .long(join(flat) { if case .long(let b) = $0.storage { b } else { nil } })
    case .real: storage = .real(join(flat) { if case .real(let b) = $0.storage { b } else { nil } })
    case .guid: storage = .guid(join(flat) { if case .guid(let b) = $0.storage { b } else { nil } })
    case .decimal64, .decimal128: storage = concatDecimals(flat)
    case .bytes: storage = concatBytes(flat, n)
    case .constant, .dictionary: preconditionFailure("a flattened vector is flat")
    }
    return ColumnVector(type: type, count: n, validity: validity, storage: storage)
  }

  private static func concatValidity(_ parts: [ColumnVector], _ n: Int) -> Bitmap? {
    guard parts.contains(where: { $0.validity != nil }) else { return nil }
    let builder = BitmapBuilder(capacity: n)
    for part in parts {
      if let validity = part.validity { builder.append(validity) } else { builder.appendRun(true, count: part.count) }
    }
    return builder.finish()
  }

  private static func sharedDictionary(_ parts: [ColumnVector]) -> (codes: Buffer<Int32>, values: ColumnVector)? {
    guard case .dictionary(_, let first) = parts[0].storage else { return nil }
    var all: [Buffer<Int32>] = []
    for part in parts {
      guard case .dictionary(let codes, let values) = part.storage, values.sharesMemory(with: first) else { return nil }
      all.append(codes)
    }
    return (join(all) { $0 }, first)
  }

  /// True when both are windows on the same bytes, so that equal codes mean equal values.
  // SAFETY: addresses are compared, not read; both vectors keep their memory alive, so that an equal address means the same memory.
  package func sharesMemory(with other: ColumnVector) -> Bool {
    guard count == other.count else { return false }
    switch (storage, other.storage) {
    case (.bytes(let a, let x), .bytes(let b, let y)): return unsafe a.pointer == b.pointer && x.pointer == y.pointer
    case (.long(let a), .long(let b)): return unsafe a.pointer == b.pointer
    case (.int(let a), .int(let b)): return unsafe a.pointer == b.pointer
    case (.real(let a), .real(let b)): return unsafe a.pointer == b.pointer
    case (.decimal64(let a, let s), .decimal64(let b, let t)): return unsafe a.pointer == b.pointer && s == t
    case (.guid(let a), .guid(let b)): return unsafe a.pointer == b.pointer
    default: return false
    }
  }

  // SAFETY: `withUnsafe` keeps the elements alive while they are copied into the builder, which is another memory.
  @inline(__always) private static func join<Part, T: BitwiseCopyable & Sendable>(_ parts: [Part], _ buffer: (Part) -> Buffer<T>?) -> Buffer<T> {
    let builder = BufferBuilder<T>(capacity: parts.reduce(0) { $0 + (buffer($1)?.count ?? 0) })
    for part in parts { unsafe buffer(part)?.withUnsafe { unsafe builder.append(contentsOf: $0) } }
    return builder.finish()
  }

  private static func concatDecimals(_ parts: [ColumnVector]) -> VectorStorage {
    if case .decimal64(_, let scale) = parts[0].storage,
      parts.allSatisfy({ if case .decimal64(_, scale) = $0.storage { true } else { false } })
    {
      return .decimal64(join(parts) { if case .decimal64(let b, _) = $0.storage { b } else { nil } }, scale: scale)
    }
    let wide = parts.map(\.widenedDecimal)
    return .decimal128(
      join(wide) { if case .decimal128(let b, _) = $0.storage { b } else { nil } },
      scales: join(wide) { if case .decimal128(_, let s) = $0.storage { s } else { nil } })
  }

  /// A flat decimal column in the form with a scale for each row.
  // SAFETY: `out` has `count` slots of `builder`, which grows no more; b has `count` elements.
  package var widenedDecimal: ColumnVector {
    guard case .decimal64(let b, let scale) = storage else { return self }
    let builder = BufferBuilder<Int128>(capacity: count)
    let out = unsafe builder.appendUninitialized(count)
    for i in 0..<count { unsafe out[i] = Int128(b[i]) }
    return ColumnVector(
      type: .decimal, count: count, validity: validity,
      storage: .decimal128(builder.finish(), scales: Buffer(repeating: Int16(scale), count: count)))
  }

  // SAFETY: room for n + 1 offsets is there, so `out` stays right; a part has count + 1 offsets within its data, which is alive while it is copied.
  private static func concatBytes(_ parts: [ColumnVector], _ n: Int) -> VectorStorage {
    var total = 0
    for part in parts {
      if case .bytes(let offsets, _) = part.storage { total += Int(offsets[part.count] - offsets[0]) }
    }
    if total > ColumnSize.maxBytes {
      ColumnSize.markExcess()
      return .bytes(offsets: Buffer(repeating: 0, count: n + 1), data: .empty)
    }
    let offsets = BufferBuilder<Int32>(capacity: n + 1)
    let data = BufferBuilder<UInt8>(capacity: total)
    offsets.append(0)
    for part in parts {
      guard case .bytes(let o, let d) = part.storage else { continue }
      let shift = unsafe Int32(data.count) - o[0]
      let out = unsafe offsets.appendUninitialized(part.count)
      for i in 0..<part.count { unsafe out[i] = o[i + 1] &+ shift }
      unsafe d.withUnsafe { unsafe data.append(contentsOf: UnsafeBufferPointer(rebasing: $0[Int(o[0])..<Int(o[part.count])])) }
    }
    return .bytes(offsets: offsets.finish(), data: data.finish())
  }
}

extension RecordBatch {
  /// The rows of all batches in order, under `schema`.
  package static func concat(_ batches: [RecordBatch], schema: StructType) -> RecordBatch {
    if batches.count == 1 { return batches[0] }
    let columns = schema.fields.indices.map { c in
      ColumnVector.concat(batches.map { $0.columns[c] }, type: schema[c].type)
    }
    return RecordBatch(schema: schema, columns: columns, rowCount: batches.reduce(0) { $0 + $1.rowCount })
  }
}
