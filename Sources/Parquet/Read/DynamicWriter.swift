// The engine's binary form of dynamic values (see `DynamicValue`), written into growing memory by plain stores.
import Columnar

// SAFETY: `out` is the builder's memory, taken anew whenever it grows; what is stored was reserved before.
@safe struct DynamicWriter {
  private let builder: BufferBuilder<UInt8>
  private(set) var out: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  /// Bytes written.
  var count: Int

  /// Appends to what `builder` holds.
  init(_ builder: BufferBuilder<UInt8>) {
    self.builder = builder
    unsafe out = unsafe builder.pointer
    capacity = builder.capacity
    count = builder.count
  }

  /// The builder with everything written.
  func finished() -> BufferBuilder<UInt8> {
    builder.count = count
    return builder
  }

  @inline(__always)
  mutating func reserve(_ more: Int) {
    if count &+ more > capacity { grow(more) }
  }

  private mutating func grow(_ more: Int) {
    builder.count = count
    builder.reserve(more)
    unsafe out = unsafe builder.pointer
    capacity = builder.capacity
  }

  @inline(__always)
  mutating func put<T: BitwiseCopyable>(_ value: T) {
    reserve(MemoryLayout<T>.size)
    unsafe UnsafeMutableRawPointer(out + count).storeBytes(of: value, as: T.self)
    count &+= MemoryLayout<T>.size
  }

  @inline(__always)
  mutating func put(_ tag: DynamicTag) { put(tag.rawValue) }

  @inline(__always)
  mutating func put(_ bytes: UnsafePointer<UInt8>, _ byteCount: Int) {
    reserve(byteCount)
    unsafe (out + count).update(from: bytes, count: byteCount)
    count &+= byteCount
  }

  /// A string value.
  mutating func put(string bytes: UnsafeBufferPointer<UInt8>) {
    put(.string)
    unsafe put(key: bytes)
  }

  /// The key of a bag's entry, whose value follows.
  mutating func put(key bytes: UnsafeBufferPointer<UInt8>) {
    put(UInt32(truncatingIfNeeded: bytes.count))
    if let base = bytes.baseAddress { unsafe put(base, bytes.count) }
  }

  /// Writes the header of `n` children; returns where their ends go.
  mutating func open(_ tag: DynamicTag, _ n: Int) -> Int {
    put(tag)
    put(UInt32(truncatingIfNeeded: n))
    let table = count
    reserve(n &* 4)
    count &+= n &* 4
    return table
  }

  /// Notes that child `i` of `n` ends here.
  @inline(__always)
  func closeChild(_ i: Int, of n: Int, _ table: Int) {
    let end = UInt32(truncatingIfNeeded: count &- table &- n &* 4)
    unsafe UnsafeMutableRawPointer(out + (table &+ 4 &* i)).storeBytes(of: end, as: UInt32.self)
  }
}
