// Output memory of fixed-width columns by element size, so that the reader itself needs no generic code.
import Columnar

/// A growing column of 4, 8 or 16-byte elements.
enum FixedOutput {
  case four(BufferBuilder<Int32>)
  case eight(BufferBuilder<Int64>)
  case sixteen(BufferBuilder<Int128>)

  init(elementSize: Int, capacity: Int) {
    switch elementSize {
    case 4: self = .four(BufferBuilder(capacity: capacity))
    case 8: self = .eight(BufferBuilder(capacity: capacity))
    default: self = .sixteen(BufferBuilder(capacity: capacity))
    }
  }

  func removeAll() {
    switch self {
    case .four(let b): b.removeAll()
    case .eight(let b): b.removeAll()
    case .sixteen(let b): b.removeAll()
    }
  }

  func reserve(_ more: Int) {
    switch self {
    case .four(let b): b.reserve(more)
    case .eight(let b): b.reserve(more)
    case .sixteen(let b): b.reserve(more)
    }
  }

  /// Room for `count` more elements; the caller fills all of them.
  func append(_ count: Int) -> UnsafeMutableRawPointer {
    switch self {
    case .four(let b): return unsafe UnsafeMutableRawPointer(b.appendUninitialized(count))
    case .eight(let b): return unsafe UnsafeMutableRawPointer(b.appendUninitialized(count))
    case .sixteen(let b): return unsafe UnsafeMutableRawPointer(b.appendUninitialized(count))
    }
  }

  /// The elements as a buffer of `type`, which has the builder's element size; the builder is empty afterwards.
  @inline(__always)
  func finish<T: BitwiseCopyable & Sendable>(as type: T.Type) -> Buffer<T> {
    switch self {
    case .four(let b): return b.finish().reinterpreted(as: T.self)
    case .eight(let b): return b.finish().reinterpreted(as: T.self)
    case .sixteen(let b): return b.finish().reinterpreted(as: T.self)
    }
  }
}

/// A conversion with its type erased once per column: what remains is one closure call per run of values.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe struct FixedKernels {
  let elementSize: Int
  /// Converts dense values from page bytes to elements.
  let convert: (UnsafeRawPointer, Int, UnsafeMutableRawPointer) throws(ParquetError) -> Void
  /// Takes the elements over as a column.
  let vector: (FixedOutput, Bitmap?) -> ColumnVector

  /// Inlined, so that the closures are compiled for the concrete conversion.
  @inline(__always)
  init<C: FixedConversion>(_ conversion: C) {
    elementSize = MemoryLayout<C.Output>.size
    unsafe convert = { (raw, count, out) throws(ParquetError) in
      try unsafe conversion.convert(raw, count, out.assumingMemoryBound(to: C.Output.self))
    }
    vector = { output, validity in conversion.vector(output.finish(as: C.Output.self), validity: validity) }
  }
}
