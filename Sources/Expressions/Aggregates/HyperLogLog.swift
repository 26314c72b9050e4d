// Role: one HyperLogLog sketch: exact while small (a set of hashes), registers beyond. Precision as Kusto documents it: accuracy 0…4 is
// 2^12, 2^14, 2^16, 2^17, 2^18 registers, errors of 1.6, 0.8, 0.4, 0.28 and 0.2 percent. The estimator is Ertl's ("New cardinality
// estimation algorithms for HyperLogLog sketches", 2017), which needs no bias tables and no switching between ranges.

#if canImport(Glibc)
import Glibc
#endif
package import Columnar

/// Distinct 64-bit hashes, counted.
struct HyperLogLog {
  /// log2 of the number of registers.
  let precision: Int
  /// Open addressing; 0 is free (a hash of 0 counts as 1).
  private var hashes: [UInt64] = []
  private var used = 0
  /// Empty while exact.
  private(set) var registers: [UInt8] = []

  /// The precision for Kusto's accuracy argument; nil outside 0...4.
  static func precision(accuracy: Int) -> Int? {
    let all = [12, 14, 16, 17, 18]
    return accuracy >= 0 && accuracy < all.count ? all[accuracy] : nil
  }

  init(precision: Int) { self.precision = precision }

  /// Bytes on the heap, with what each array takes beside its elements.
  var byteSize: Int { (hashes.capacity == 0 ? 0 : hashes.capacity * 8 + 48) + (registers.isEmpty ? 0 : registers.capacity + 48) }
  var isExact: Bool { registers.isEmpty }

  mutating func add(_ hash: UInt64) {
    if !registers.isEmpty { return addToRegisters(hash) }
    let key = hash == 0 ? 1 : hash
    if (used + 1) * 2 > hashes.count {
      if hashes.count * 8 >= 1 << precision {
        becomeDense()
        return addToRegisters(key)
      }
      let old = hashes
      hashes = [UInt64](repeating: 0, count: max(16, old.count * 2))
      used = 0
      for h in old where h != 0 { insert(h) }
    }
    insert(key)
  }

  private mutating func insert(_ key: UInt64) {
    let mask = hashes.count - 1
    var at = Int(truncatingIfNeeded: key >> 3) & mask
    while hashes[at] != 0 {
      if hashes[at] == key { return }
      at = (at + 1) & mask
    }
    hashes[at] = key
    used += 1
  }

  private mutating func becomeDense() {
    registers = [UInt8](repeating: 0, count: 1 << precision)
    for h in hashes where h != 0 { addToRegisters(h) }
    hashes = []
    used = 0
  }

  @inline(__always) private mutating func addToRegisters(_ hash: UInt64) {
    let index = Int(hash >> UInt64(64 - precision))
    let rank = UInt8(truncatingIfNeeded: min((hash << UInt64(precision)).leadingZeroBitCount, 64 - precision) + 1)
    if registers[index] < rank { registers[index] = rank }
  }

  /// Adds many hashes; rows whose bit is clear are left out.
  // SAFETY: i and k stay below hashes.count, and the buffer is kept alive behind the loops; an index has `precision` bits, for which there are
  // 2^precision registers.
  mutating func add(_ hashes: Buffer<UInt64>, validity: Bitmap?) {
    let p = unsafe hashes.pointer
    var i = 0
    while i < hashes.count, registers.isEmpty {
      if validity.map({ $0[i] }) ?? true { unsafe add(p[i]) }
      i += 1
    }
    guard i < hashes.count else { return }
    let shift = UInt64(64 - precision), keep = UInt64(precision), most = 64 - precision
    unsafe registers.withUnsafeMutableBufferPointer { registers in
      guard let r = registers.baseAddress else { return }
      for k in i..<hashes.count {
        if let validity, !validity[k] { continue }
        let hash = unsafe p[k]
        let index = Int(truncatingIfNeeded: hash >> shift)
        let rank = UInt8(truncatingIfNeeded: min((hash << keep).leadingZeroBitCount, most) &+ 1)
        if unsafe r[index] < rank { unsafe r[index] = rank }
      }
    }
    withExtendedLifetime(hashes) {}
  }

  mutating func merge(_ other: HyperLogLog) {
    if other.isExact {
      for h in other.hashes where h != 0 { add(h) }
      return
    }
    if isExact { becomeDense() }
    for i in registers.indices where registers[i] < other.registers[i] { registers[i] = other.registers[i] }
  }

  /// The estimate; exact while the set is small.
  var estimate: Int64 {
    if isExact { return Int64(used) }
    let m = Double(registers.count)
    let q = 64 - precision
    var histogram = [Int](repeating: 0, count: q + 2)
    for r in registers { histogram[Int(r)] += 1 }
    var z = m * Self.tau((m - Double(histogram[q + 1])) / m)
    var k = q
    while k >= 1 {
      z = 0.5 * (z + Double(histogram[k]))
      k -= 1
    }
    z += m * Self.sigma(Double(histogram[0]) / m)
    // Registers all at their maximum, which only a made-up sketch has, stand for more than a long counts.
    let estimate = (m * m / (2 * log(2.0)) / z).rounded()
    return estimate < 0x1p63 ? Int64(estimate) : .max
  }

  private static func sigma(_ start: Double) -> Double {
    if start == 1 { return .infinity }
    var x = start, y = 1.0, z = start
    while true {
      x *= x
      let before = z
      z += x * y
      y += y
      if z == before { return z }
    }
  }

  private static func tau(_ start: Double) -> Double {
    if start == 0 || start == 1 { return 0 }
    var x = start, y = 1.0, z = 1 - start
    while true {
      x = x.squareRoot()
      let before = z
      y *= 0.5
      z -= (1 - x) * (1 - x) * y
      if z == before { return z / 3 }
    }
  }

  // MARK: - As a dynamic value

  /// `{"hll":precision,"hashes":[…]}` or `{"hll":precision,"registers":"text"}`, a register being one character from '0' on.
  var dynamic: DynamicValue {
    var entries = [DynamicEntry("hll", .long(Int64(precision)))]
    if isExact {
      entries.append(DynamicEntry("hashes", .array(hashes.filter { $0 != 0 }.sorted().map { .long(Int64(bitPattern: $0)) })))
    } else {
      entries.append(DynamicEntry("registers", .string(String(decoding: registers.map { $0 + 0x30 }, as: UTF8.self))))
    }
    return .bag(entries)
  }

  /// Appends what `dynamic` gives in binary form.
  func append(to out: BufferBuilder<UInt8>) {
    guard isExact else {
      unsafe dynamic.binary.withUnsafeBufferPointer { unsafe out.append(contentsOf: $0) }
      return
    }
    let sorted = hashes.filter { $0 != 0 }.sorted().map { Int64(bitPattern: $0) }
    SeriesOutput.bag([(key: "hll", value: .long(Int64(precision))), (key: "hashes", value: .longs(sorted))]).append(to: out)
  }

  /// Reads what `dynamic` made; nil for anything else.
  init?(_ view: DynamicView) {
    guard let stored = StoredHyperLogLog(view) else { return nil }
    self.init(precision: stored.precision)
    guard merge(stored) else { return nil }
  }

  /// The same of a value as a tree.
  init?(_ value: DynamicValue) {
    let found: HyperLogLog? = unsafe value.binary.withUnsafeBufferPointer { bytes in
      // SAFETY: the view is used within the closure only.
      guard let base = bytes.baseAddress else { return nil }
      return unsafe HyperLogLog(DynamicView(base, bytes.count))
    }
    guard let found else { return nil }
    self = found
  }

  /// Adds what a stored sketch of this precision holds; false when it is damaged.
  mutating func merge(_ stored: StoredHyperLogLog) -> Bool {
    let body = stored.body
    if body.tag == .array {
      for k in 0..<body.childCount {
        guard let item = body.element(k), item.tag == .long else { return false }
        add(UInt64(bitPattern: item.int64))
      }
      return true
    }
    let bytes = unsafe body.stringBytes
    guard bytes.count == 1 << precision, unsafe bytes.allSatisfy({ $0 >= 0x30 && Int($0) - 0x30 <= 65 - precision }) else { return false }
    if isExact { becomeDense() }
    for i in registers.indices { unsafe registers[i] = max(registers[i], bytes[i] - 0x30) }
    return true
  }
}

/// A sketch in the form of `HyperLogLog.dynamic`, read in place: its precision and its hashes or registers.
struct StoredHyperLogLog {
  let precision: Int
  let body: DynamicView

  /// Nil for a value that is no sketch.
  init?(_ view: DynamicView) {
    var precision: Int64?, body: DynamicView?
    for i in 0..<view.childCount {
      // SAFETY: the entry's key is a window on the view, which the caller keeps alive.
      guard let entry = unsafe view.entry(i) else { return nil }
      let (key, value) = unsafe entry
      if unsafe key.elementsEqual("hll".utf8), value.tag == .long { precision = value.int64 }
      if unsafe key.elementsEqual("hashes".utf8), value.tag == .array { body = value }
      if unsafe key.elementsEqual("registers".utf8), value.tag == .string, body == nil { body = value }
    }
    guard let precision, [12, 14, 16, 17, 18].contains(precision), let body else { return nil }
    self.precision = Int(precision)
    self.body = body
  }
}

/// The count of a value made by `hll()` or `hll_merge()`, for `dcount_hll()`; nil when it is none.
package func hyperLogLogEstimate(_ value: DynamicValue) -> Int64? { HyperLogLog(value)?.estimate }
