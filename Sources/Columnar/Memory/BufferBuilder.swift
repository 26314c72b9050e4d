// Role: the only way to make buffers: growing memory that `finish` hands over without a copy.

#if canImport(Glibc)
import Glibc
#endif

/// Growing typed memory. Not thread-safe; `finish` turns it into an immutable `Buffer` and leaves the builder empty.
// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe @usableFromInline package final class BufferBuilder<Element: BitwiseCopyable & Sendable> {
  // Access is not checked for overlap at run time: that check would cost more than an append. A builder belongs to one thread.
  @exclusivity(unchecked) @usableFromInline package private(set) var pointer: UnsafeMutablePointer<Element>
  @exclusivity(unchecked) @usableFromInline package var count = 0
  @exclusivity(unchecked) @usableFromInline package private(set) var capacity: Int

  /// Reserves room for `capacity` elements.
  package init(capacity: Int = 0) {
    unsafe self.capacity = capacity
    unsafe pointer = unsafe Self.allocate(capacity)
  }

  deinit { unsafe free(pointer) }

  private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Element> {
    let bytes = capacity * MemoryLayout<Element>.stride + Allocation.padding
    guard let raw = unsafe aligned_alloc(64, (bytes + 63) & ~63) else { fatalError("out of memory: \(bytes) bytes") }
    return unsafe raw.bindMemory(to: Element.self, capacity: capacity)
  }

  /// Makes room for `additional` more elements (amortised doubling).
  @inlinable package func reserve(_ additional: Int) {
    if unsafe count &+ additional > capacity { unsafe grow(count + additional) }
  }

  @usableFromInline func grow(_ needed: Int) {
    let newCapacity = unsafe max(needed, capacity * 2, 64)
    let fresh = unsafe Self.allocate(newCapacity)
    unsafe memcpy(fresh, pointer, count * MemoryLayout<Element>.stride)
    unsafe free(pointer)
    unsafe pointer = unsafe fresh
    unsafe capacity = newCapacity
  }

  @inlinable package func append(_ element: Element) {
    reserve(1)
    unsafe pointer[count] = element
    unsafe count &+= 1
  }

  /// Appends without checking capacity; call `reserve` first.
  @inlinable package func appendUnchecked(_ element: Element) {
    unsafe pointer[count] = element
    unsafe count &+= 1
  }

  @inlinable package func append(contentsOf elements: UnsafeBufferPointer<Element>) {
    guard let source = elements.baseAddress else { return }
    reserve(elements.count)
    unsafe (pointer + count).update(from: source, count: elements.count)
    unsafe count &+= elements.count
  }

  /// Adds `n` uninitialised elements and returns the address of the first; the caller fills all of them. Invalid after the next growth.
  @inlinable package func appendUninitialized(_ n: Int) -> UnsafeMutablePointer<Element> {
    reserve(n)
    defer { unsafe count &+= n }
    return unsafe pointer + count
  }

  /// Hands the memory over; the builder is empty afterwards.
  package func finish() -> Buffer<Element> {
    let buffer = unsafe Buffer<Element>(owner: Allocation(base: UnsafeMutableRawPointer(pointer)), base: UnsafePointer(pointer), count: count)
    unsafe pointer = unsafe Self.allocate(0)
    unsafe capacity = 0
    unsafe count = 0
    return buffer
  }

  /// Forgets the elements, keeps the memory.
  package func removeAll() { unsafe count = 0 }
}
