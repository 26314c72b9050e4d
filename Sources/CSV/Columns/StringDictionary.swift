// Role: the distinct texts of a string column and their codes: open addressing on a hash of the bytes, for at most a few thousand texts.

#if canImport(Glibc)
import Glibc
#endif
import Columnar

// SAFETY: owns or keeps alive the memory behind its pointers for as long as it lives; every access stays within the counts it holds.
@safe final class StringDictionary {
  private var slots: UnsafeMutablePointer<Int32>
  private var mask: Int
  private let hashes = BufferBuilder<UInt64>()
  private let offsets = BufferBuilder<Int32>()
  private let data = BufferBuilder<UInt8>()
  /// The values as of `snapshotCount` texts, shared by batches until a text is added.
  private var snapshot: ColumnVector?
  private var snapshotCount = -1

  static let limit = 8_192

  init() {
    mask = 255
    unsafe slots = .allocate(capacity: 256)
    unsafe slots.update(repeating: -1, count: 256)
    offsets.append(0)
  }

  deinit { unsafe slots.deallocate() }

  var count: Int { hashes.count }

  /// The dictionary's memory, for loops that look many texts up. Invalid after `add`.
  // SAFETY: its pointers are borrowed from buffers that whoever makes it keeps alive while it is used; every access stays within the counts it holds.
  @safe struct View {
    let slots: UnsafePointer<Int32>
    let mask: Int
    let hashes: UnsafePointer<UInt64>
    let offsets: UnsafePointer<Int32>
    let data: UnsafePointer<UInt8>

    /// The code of a text, or -1 - slot when it is new. Up to 7 bytes behind the text are read.
    @inline(__always) func find(_ p: UnsafePointer<UInt8>, _ n: Int, _ hash: UInt64) -> Int32 {
      var slot = Int(truncatingIfNeeded: hash >> 32) & mask
      while true {
        let code = unsafe slots[slot]
        if code < 0 { return -1 &- Int32(truncatingIfNeeded: slot) }
        if unsafe hashes[Int(code)] == hash {
          let start = unsafe Int(offsets[Int(code)])
          if unsafe Int(offsets[Int(code) &+ 1]) &- start == n, unsafe StringDictionary.equal(data + start, p, n) { return code }
        }
        slot = (slot &+ 1) & mask
      }
    }
  }

  var view: View {
    unsafe View(
      slots: UnsafePointer(slots), mask: mask, hashes: UnsafePointer(hashes.pointer), offsets: UnsafePointer(offsets.pointer),
      data: UnsafePointer(data.pointer))
  }

  @inline(__always) static func hash(_ p: UnsafePointer<UInt8>, _ n: Int) -> UInt64 {
    var h = UInt64(truncatingIfNeeded: n) &* 0x9E37_79B9_7F4A_7C15
    if n <= 8 {
      let keep = n == 8 ? ~0 : (1 &<< UInt64(truncatingIfNeeded: n &* 8)) &- 1
      h = unsafe (h ^ (loadWord(p) & keep)) &* 0xFF51_AFD7_ED55_8CCD
      return h ^ (h >> 29)
    }
    var i = 0
    while i &+ 8 < n {
      h = unsafe (h ^ loadWord(p + i)) &* 0xFF51_AFD7_ED55_8CCD
      h ^= h >> 29
      i &+= 8
    }
    h = unsafe (h ^ loadWord(p + (n &- 8))) &* 0xC4CE_B9FE_1A85_EC53
    return h ^ (h >> 29)
  }

  @inline(__always) fileprivate static func equal(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ n: Int) -> Bool {
    if n <= 8 {
      let keep = n == 8 ? ~0 : (1 &<< UInt64(truncatingIfNeeded: n &* 8)) &- 1
      return unsafe (loadWord(a) ^ loadWord(b)) & keep == 0
    }
    var i = 0
    while i &+ 8 < n {
      if unsafe loadWord(a + i) != loadWord(b + i) { return false }
      i &+= 8
    }
    return unsafe loadWord(a + (n &- 8)) == loadWord(b + (n &- 8))
  }

  /// Adds a text that `find` did not find, which answered `-1 - slot`; returns its code.
  func add(_ p: UnsafePointer<UInt8>, _ n: Int, _ hash: UInt64, _ answer: Int32) -> Int32 {
    let slot = Int(-1 &- answer)
    let code = Int32(truncatingIfNeeded: hashes.count)
    unsafe slots[slot] = code
    hashes.append(hash)
    unsafe data.append(contentsOf: UnsafeBufferPointer(start: p, count: n))
    data.reserve(8)
    offsets.append(Int32(truncatingIfNeeded: data.count))
    if hashes.count * 2 > mask { grow() }
    return code
  }

  private func grow() {
    unsafe slots.deallocate()
    mask = mask * 4 + 3
    unsafe slots = .allocate(capacity: mask + 1)
    unsafe slots.update(repeating: -1, count: mask + 1)
    for code in 0..<hashes.count {
      var slot = unsafe Int(truncatingIfNeeded: hashes.pointer[code] >> 32) & mask
      while unsafe slots[slot] >= 0 { slot = (slot &+ 1) & mask }
      unsafe slots[slot] = Int32(truncatingIfNeeded: code)
    }
  }

  /// The bytes of a code.
  @inline(__always) func text(_ code: Int32) -> UnsafeBufferPointer<UInt8> {
    let start = unsafe Int(offsets.pointer[Int(code)])
    return unsafe UnsafeBufferPointer(start: data.pointer + start, count: Int(offsets.pointer[Int(code) &+ 1]) &- start)
  }

  /// The texts in order of their codes.
  var values: ColumnVector {
    if let snapshot, snapshotCount == count { return snapshot }
    let texts = StringBuilder(rows: count, bytes: data.count)
    for code in 0..<count { unsafe texts.append(text(Int32(code))) }
    let vector = texts.finish()
    snapshot = vector
    snapshotCount = count
    return vector
  }
}
