// Role: immutable, shared, typed memory. A `Buffer` is a window on an allocation that its owner keeps alive; slicing copies nothing.
// Invariant (kept by `BufferBuilder`): `base` points at `count` initialised elements of `owner`'s memory, and 64 readable bytes follow them.

#if canImport(Glibc)
import Glibc
#endif

/// Memory from malloc, freed with the last reference.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe @usableFromInline package final class Allocation: @unchecked Sendable {  // immutable once a Buffer shows it
  @usableFromInline let base: UnsafeMutableRawPointer

  @usableFromInline init(base: UnsafeMutableRawPointer) { unsafe self.base = unsafe base }

  deinit { unsafe free(base) }

  /// Spare bytes behind every allocation, so that kernels may read whole words past the end.
  @usableFromInline static let padding = 64
}

/// An immutable typed window on shared memory. Its pointer is valid while the buffer is alive.
// SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
@safe @frozen @usableFromInline package struct Buffer<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {  // immutable memory
  @usableFromInline let owner: AnyObject?
  @usableFromInline let base: UnsafePointer<Element>
  @usableFromInline package let count: Int

  @inlinable package init(owner: AnyObject?, base: UnsafePointer<Element>, count: Int) {
    self.owner = owner
    unsafe self.base = unsafe base
    self.count = count
  }

  /// The first element's address; valid while this buffer (or the vector that holds it) is alive.
  @inlinable package var pointer: UnsafePointer<Element> { unsafe base }

  /// Element `i`; unchecked in release builds (callers index within `count`).
  @inlinable package subscript(i: Int) -> Element {
    assert(i >= 0 && i < count)
    return unsafe base[i]
  }

  /// Calls `body` with the elements; the memory is alive for the call.
  @inlinable package func withUnsafe<R>(_ body: (UnsafeBufferPointer<Element>) throws -> R) rethrows -> R {
    defer { withExtendedLifetime(owner) {} }
    return try unsafe body(UnsafeBufferPointer(start: base, count: count))
  }

  /// Elements `range`, sharing memory.
  @inlinable package func slice(_ range: Range<Int>) -> Buffer {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice outside the buffer")
    return unsafe Buffer(owner: owner, base: base + range.lowerBound, count: range.count)
  }

  /// The same bytes as another type of the same stride.
  @inlinable package func reinterpreted<T: BitwiseCopyable & Sendable>(as type: T.Type) -> Buffer<T> {
    precondition(MemoryLayout<T>.stride == MemoryLayout<Element>.stride)
    return unsafe Buffer<T>(owner: owner, base: UnsafeRawPointer(base).assumingMemoryBound(to: T.self), count: count)
  }

  /// Bytes of the window.
  package var byteCount: Int { count * MemoryLayout<Element>.stride }

  /// The elements as an array, for tests and edges.
  package var array: [Element] { unsafe withUnsafe { unsafe Array($0) } }
}

extension Buffer {
  /// A copy of an array's elements.
  package init(_ elements: [Element]) {
    let builder = BufferBuilder<Element>(capacity: elements.count)
    unsafe elements.withUnsafeBufferPointer { unsafe builder.append(contentsOf: $0) }
    self = builder.finish()
  }

  /// `count` copies of one element.
  package init(repeating element: Element, count: Int) {
    let builder = BufferBuilder<Element>(capacity: count)
    let out = unsafe builder.appendUninitialized(count)
    for i in 0..<count { unsafe out[i] = element }
    self = builder.finish()
  }

  /// No elements.
  package static var empty: Buffer { BufferBuilder<Element>(capacity: 0).finish() }
}
