// Role: the distribution of one group: all values while they are few (exact nearest-rank percentiles), a t-digest beyond.
// The digest follows Dunning's merging digest with the k1 scale function; minimum and maximum stay exact.

#if canImport(Glibc)
import Glibc
#endif
package import Columnar

/// A weighted mean of neighbouring values; NaN and infinities are among themselves.
struct Centroid: BitwiseCopyable, Sendable {
  var mean: Double
  var weight: Double

  /// Where it stands: NaN first, then by the mean.
  var order: UInt64 { OrderKey.of(mean) }
}

/// Joins values that come in ascending order into centroids no heavier than the scale function allows at their rank.
private struct CentroidMerge {
  private let total: Double
  private let compression: Double
  private var out: [Centroid] = []
  /// Of differences from the first value, since a sum of many large values loses their low digits.
  private var sum = 0.0
  private var first = 0.0
  private var last = 0.0
  private var weight = 0.0
  private var before = 0.0
  private var limit: Double

  init(total: Double, compression: Double) {
    self.total = total
    self.compression = compression
    limit = total * Self.quantile(Self.scale(0, compression) + 1, compression)
  }

  @inline(__always) mutating func add(_ mean: Double, _ added: Double) {
    if weight > 0, before + weight + added > limit || !joinsLast(mean) { close() }
    if weight == 0 { first = mean }
    sum += (mean - first) * added
    weight += added
    last = mean
  }

  /// NaN and infinities have no mean with other values.
  @inline(__always) private func joinsLast(_ mean: Double) -> Bool {
    mean.isFinite ? last.isFinite : OrderKey.of(mean) == OrderKey.of(last)
  }

  private mutating func close() {
    before += weight
    limit = total * Self.quantile(Self.scale(before / total, compression) + 1, compression)
    // The sum of NaN, of infinities and of very large differences is no number; the last of the values keeps the order.
    let mean = first + sum / weight
    out.append(Centroid(mean: mean.isFinite ? mean : last, weight: weight))
    sum = 0
    weight = 0
  }

  mutating func finish() -> [Centroid] {
    if weight > 0 { close() }
    return out
  }

  private static func scale(_ q: Double, _ compression: Double) -> Double { compression / (2 * .pi) * asin(min(1, 2 * q - 1)) }

  private static func quantile(_ k: Double, _ compression: Double) -> Double {
    let angle = k * 2 * .pi / compression
    return angle >= .pi / 2 ? 1 : (sin(angle) + 1) / 2
  }
}

/// Values as order keys, with weights where a call has them.
struct PercentileState {
  /// Values kept before they are digested: below that, percentiles are exact.
  static let exactLimit = 65_536
  /// The digest's compression: about that many centroids, a rank error well below 1 %.
  private static let compression = 200.0

  /// long, real, datetime or timespan.
  let type: DataType
  private var keys: [UInt64] = []
  /// Empty while all weights are 1.
  private var weights: [Int64] = []
  private(set) var centroids: [Centroid] = []
  private var least: UInt64 = .max
  private var greatest: UInt64 = 0

  init(type: DataType) { self.type = type }

  private var isReal: Bool { type == .real }

  /// Bytes on the heap, with what each array takes beside its elements.
  var byteSize: Int { Self.bytes(keys.capacity * 8) + Self.bytes(weights.capacity * 8) + Self.bytes(centroids.capacity * 16) }
  private static func bytes(_ elements: Int) -> Int { elements == 0 ? 0 : elements + 48 }

  var isEmpty: Bool { keys.isEmpty && centroids.isEmpty }

  private func real(_ key: UInt64) -> Double { isReal ? OrderKey.real(key) : Double(OrderKey.long(key)) }

  @inline(__always) mutating func add(_ key: UInt64) {
    if !weights.isEmpty { weights.append(1) }
    keys.append(key)
    if keys.count >= Self.exactLimit { digest() }
  }

  mutating func add(_ key: UInt64, weight: Int64) {
    guard weight > 0 else { return }
    if weight != 1, weights.isEmpty { weights = [Int64](repeating: 1, count: keys.count) }
    if weight != 1 || !weights.isEmpty { weights.append(weight) }
    keys.append(key)
    if keys.count >= Self.exactLimit { digest() }
  }

  /// Adds values of one group at once.
  // SAFETY: slices of the caller's values, which live for the call; room is at most what is left of them.
  mutating func add(_ many: UnsafeBufferPointer<UInt64>) {
    var rest = unsafe many[...]
    while unsafe !rest.isEmpty {
      let room = unsafe min(rest.count, Self.exactLimit - keys.count)
      unsafe keys.append(contentsOf: rest.prefix(room))
      if !weights.isEmpty { weights.append(contentsOf: repeatElement(1, count: room)) }
      unsafe rest = unsafe rest.dropFirst(room)
      if keys.count >= Self.exactLimit { digest() }
    }
  }

  /// Adds another's values. Long and real meet as real; throws `ExpressionError` for other types that differ.
  // SAFETY: the other's keys live for the call and are copied.
  mutating func merge(_ other: PercentileState) throws {
    if other.type != type {
      guard [type, other.type].allSatisfy({ $0 == .long || $0 == .real }) else {
        throw ExpressionError.invalidArgument(function: "tdigest_merge", message: "digests of \(type) and \(other.type) cannot be merged")
      }
      self = asReal
      return try merge(other.asReal)
    }
    if other.weights.isEmpty {
      unsafe other.keys.withUnsafeBufferPointer { unsafe add($0) }
    } else {
      for (key, weight) in zip(other.keys, other.weights) { add(key, weight: weight) }
    }
    guard !other.centroids.isEmpty else { return }
    least = min(least, other.least)
    greatest = max(greatest, other.greatest)
    compress(with: other.centroids)
  }

  /// The same with longs as reals.
  private var asReal: PercentileState {
    guard type == .long else { return self }
    var out = PercentileState(type: .real)
    out.keys = keys.map { OrderKey.of(real($0)) }
    out.weights = weights
    out.centroids = centroids
    if !centroids.isEmpty { (out.least, out.greatest) = (OrderKey.of(real(least)), OrderKey.of(real(greatest))) }
    return out
  }

  private mutating func sortKeys(bits: Int = 64) {
    if weights.isEmpty {
      radixSort(&keys, bits: bits)
    } else {
      let order = keys.indices.sorted { keys[$0] < keys[$1] }
      (keys, weights) = (order.map { keys[$0] }, order.map { weights[$0] })
    }
  }

  /// Moves the kept values into the digest. Sorting by the 33 highest bits that vary is enough for means.
  private mutating func digest() {
    guard !keys.isEmpty else { return }
    for key in keys {
      least = min(least, key)
      greatest = max(greatest, key)
    }
    sortKeys(bits: 33)
    let fresh = keys, freshWeights = weights
    keys.removeAll(keepingCapacity: false)
    weights.removeAll()
    let added = freshWeights.isEmpty ? Double(fresh.count) : freshWeights.reduce(0) { $0 + Double($1) }
    var merge = CentroidMerge(total: added + totalWeight, compression: Self.compression)
    var i = 0
    for k in fresh.indices {
      let value = real(fresh[k]), order = OrderKey.of(value)
      while i < centroids.count, centroids[i].order <= order {
        merge.add(centroids[i].mean, centroids[i].weight)
        i += 1
      }
      merge.add(value, freshWeights.isEmpty ? 1 : Double(freshWeights[k]))
    }
    while i < centroids.count {
      merge.add(centroids[i].mean, centroids[i].weight)
      i += 1
    }
    centroids = merge.finish()
    // The memory of the values is taken up again.
    keys = fresh
    keys.removeAll(keepingCapacity: true)
  }

  private var totalWeight: Double { centroids.reduce(0) { $0 + $1.weight } }

  /// Merges sorted centroids into the digest.
  private mutating func compress(with added: [Centroid]) {
    var merge = CentroidMerge(total: totalWeight + added.reduce(0) { $0 + $1.weight }, compression: Self.compression)
    var i = 0, j = 0
    while i < centroids.count || j < added.count {
      if j == added.count || (i < centroids.count && centroids[i].order <= added[j].order) {
        merge.add(centroids[i].mean, centroids[i].weight)
        i += 1
      } else {
        merge.add(added[j].mean, added[j].weight)
        j += 1
      }
    }
    centroids = merge.finish()
  }

  /// Prepares for `percentile`.
  mutating func settle() {
    if centroids.isEmpty { sortKeys() } else { digest() }
  }

  /// The rank of percentile `p` before it is rounded up. The product of a `p` like 99.9, which has no exact double, may lie just above a whole
  /// rank that it means; taking two units of its last place off brings it back.
  private static func rank(_ p: Double, among total: Double) -> Double {
    let rank = p * total / 100
    return rank - 2 * rank.ulp
  }

  /// The nearest-rank percentile (0...100) as an order key; nil without values. Exact while values are few. Call `settle` before.
  func percentile(_ p: Double) -> UInt64? {
    let p = p.isNaN ? 0 : min(max(p, 0), 100)
    if !keys.isEmpty {
      if weights.isEmpty {
        let rank = Int(Self.rank(p, among: Double(keys.count)).rounded(.up))
        return keys[min(max(rank, 1), keys.count) - 1]
      }
      let total = weights.reduce(0.0) { $0 + Double($1) }
      let wanted = Self.rank(p, among: total)
      var sum = 0.0
      for (key, weight) in zip(keys, weights) {
        sum += Double(weight)
        if sum >= wanted { return key }
      }
      return keys[keys.count - 1]
    }
    guard !centroids.isEmpty else { return nil }
    // The ends are kept as they are; means are doubles, which do not hold every long.
    let total = totalWeight, wanted = Self.rank(p, among: total)
    if wanted <= 1 { return least }
    if wanted > total - 1 { return greatest }
    return key(digestValue(wanted, of: total))
  }

  /// An order key as the value it stands for.
  func value(_ key: UInt64) -> DynamicValue {
    switch type {
    case .real: .real(OrderKey.real(key))
    case .datetime: .datetime(OrderKey.long(key))
    case .timespan: .timespan(OrderKey.long(key))
    default: .long(OrderKey.long(key))
    }
  }

  /// The weight of all values.
  var count: Double {
    totalWeight + (weights.isEmpty ? Double(keys.count) : weights.reduce(0) { $0 + Double($1) })
  }

  /// The weight of the values not above `value` (a number, or ticks); NaN is below all others. Exact while values are few. Call `settle` before.
  func rank(_ value: Double) -> Double {
    let order = OrderKey.of(value)
    guard !centroids.isEmpty else {
      var sum = 0.0
      for (i, key) in keys.enumerated() where OrderKey.of(real(key)) <= order { sum += weights.isEmpty ? 1 : Double(weights[i]) }
      return sum
    }
    let total = totalWeight, low = real(least), high = real(greatest)
    if order >= OrderKey.of(high) { return total }
    if order < OrderKey.of(low) { return 0 }
    // Linear between the centres of neighbouring centroids; NaN and infinities have no line to others.
    var before = 0.0, lastMean = low, lastCentre = 0.0
    for c in centroids {
      let centre = before + c.weight / 2
      if order < c.order {
        let height = c.mean - lastMean
        return height.isFinite ? lastCentre + (centre - lastCentre) * (value - lastMean) / height : before
      }
      before += c.weight
      (lastMean, lastCentre) = (c.mean, centre)
    }
    return high > lastMean ? lastCentre + (total - lastCentre) * (value - lastMean) / (high - lastMean) : total
  }

  /// The order key of a value of the digest; whole where the type is, and never outside the values that went in.
  private func key(_ value: Double) -> UInt64 {
    let whole: Int64 = value >= 0x1p63 ? .max : value >= -0x1p63 ? Int64(value.rounded()) : .min
    return min(max(isReal ? OrderKey.of(value) : OrderKey.of(whole), least), greatest)
  }

  /// The value at a rank.
  private func digestValue(_ wanted: Double, of total: Double) -> Double {
    var before = 0.0
    var last = (centre: 0.0, mean: real(least))
    for c in centroids {
      let next = (centre: before + c.weight / 2, mean: c.mean)
      if wanted <= next.centre { return Self.value(at: wanted, last, next, edge: before) }
      before += c.weight
      last = next
    }
    return Self.value(at: wanted, last, (centre: total, mean: real(greatest)), edge: total)
  }

  /// On the line between the centres of two neighbouring centroids; where there is none (NaN, infinities), by the side of `edge`, where they meet.
  private static func value(
    at rank: Double, _ last: (centre: Double, mean: Double), _ next: (centre: Double, mean: Double), edge: Double
  ) -> Double {
    let width = next.centre - last.centre, height = next.mean - last.mean
    if width > 0, height.isFinite { return last.mean + height * ((rank - last.centre) / width) }
    return rank <= edge ? last.mean : next.mean
  }

  // MARK: - On disk

  private static let types: [DataType] = [.long, .real, .datetime, .timespan]
  private static let headerWords = 6

  /// Appends the state as an array of longs, for spill files: its type, the numbers of its keys, weights and centroids, the ends, then these lists.
  func appendState(to out: BufferBuilder<UInt8>) {
    let weightStart = Self.headerWords + keys.count, meanStart = weightStart + weights.count, weightOfMeans = meanStart + centroids.count
    appendBlock(.long, weightOfMeans + centroids.count, out) { i in
      switch i {
      case 0: UInt64(Self.types.firstIndex(of: type) ?? 0)
      case 1: UInt64(keys.count)
      case 2: UInt64(weights.count)
      case 3: UInt64(centroids.count)
      case 4: least
      case 5: greatest
      case ..<weightStart: keys[i - Self.headerWords]
      case ..<meanStart: UInt64(bitPattern: weights[i - weightStart])
      case ..<weightOfMeans: centroids[i - meanStart].mean.bitPattern
      default: centroids[i - weightOfMeans].weight.bitPattern
      }
    }
  }

  /// Reads what `appendState` wrote; nil for anything else.
  init?(state: DynamicView) {
    func word(_ i: Int) -> UInt64 { UInt64(bitPattern: state.element(i)?.int64 ?? 0) }
    guard state.childCount >= Self.headerWords, word(0) < UInt64(Self.types.count) else { return nil }
    let counts = (1...3).map { Int(clamping: word($0)) }
    guard counts.allSatisfy({ $0 <= state.childCount }), Self.headerWords + counts[0] + counts[1] + 2 * counts[2] == state.childCount else { return nil }
    self.init(type: Self.types[Int(word(0))])
    (least, greatest) = (word(4), word(5))
    var at = Self.headerWords
    keys = (at..<at + counts[0]).map(word)
    at += counts[0]
    weights = (at..<at + counts[1]).map { Int64(bitPattern: word($0)) }
    at += counts[1]
    centroids = (at..<at + counts[2]).map { Centroid(mean: Double(bitPattern: word($0)), weight: Double(bitPattern: word($0 + counts[2]))) }
  }

  // MARK: - As a dynamic value

  /// `{"tdigest":"real"|"long"|"datetime"|"timespan","min":…,"max":…,"means":[…],"weights":[…]}`.
  mutating func dynamic() -> DynamicValue {
    let isSmall = centroids.isEmpty
    if isSmall { sortKeys() } else { digest() }
    let list = isSmall
      ? keys.indices.map { Centroid(mean: real(keys[$0]), weight: weights.isEmpty ? 1 : Double(weights[$0])) } : centroids
    func exact(_ key: UInt64) -> DynamicValue { isReal ? .real(OrderKey.real(key)) : .long(OrderKey.long(key)) }
    return .bag([
      DynamicEntry("tdigest", .string(type.rawValue)),
      DynamicEntry("min", isSmall ? keys.first.map(exact) ?? .null : exact(least)),
      DynamicEntry("max", isSmall ? keys.last.map(exact) ?? .null : exact(greatest)),
      DynamicEntry("exact", .bool(isSmall)),
      DynamicEntry("means", .array(isSmall ? keys.map(exact) : list.map { .real($0.mean) })),
      DynamicEntry("weights", .array(list.map { .real($0.weight) })),
    ])
  }

  /// Reads what `dynamic` made; nil for anything else.
  init?(_ value: DynamicValue) {
    guard case .string(let kind)? = value["tdigest"], let type = DataType(rawValue: kind),
      [.real, .long, .datetime, .timespan].contains(type), case .bool(let isExact)? = value["exact"],
      case .array(let means)? = value["means"], case .array(let weightList)? = value["weights"], means.count == weightList.count
    else { return nil }
    self.init(type: type)
    func number(_ v: DynamicValue) -> Double? {
      switch v {
      case .long(let n): Double(n)
      case .real(let n): n
      // JSON, in which digests are stored, has texts for these.
      case .string("NaN") where isReal: Double.nan
      case .string("Infinity") where isReal: Double.infinity
      case .string("-Infinity") where isReal: -Double.infinity
      default: nil
      }
    }
    func key(_ v: DynamicValue) -> UInt64? {
      if isReal { return number(v).map { OrderKey.of($0) } }
      switch v {
      case .long(let n): return OrderKey.of(n)
      case .real(let n): return Int64(exactly: n.rounded()).map { OrderKey.of($0) }
      default: return nil
      }
    }
    if !isExact {
      guard let low = value["min"].flatMap(key), let high = value["max"].flatMap(key) else { return nil }
      least = low
      greatest = high
    }
    for (mean, weight) in zip(means, weightList) {
      guard let w = number(weight), w > 0, w < 9e18 else { return nil }
      if isExact {
        guard let k = key(mean) else { return nil }
        add(k, weight: Int64(w))
      } else {
        guard let m = number(mean), m.isFinite || isReal else { return nil }
        centroids.append(Centroid(mean: m, weight: w))
      }
    }
    if !isExact { centroids.sort { $0.order < $1.order } }
  }
}

/// The percentile of a value made by `tdigest()`; nil when it is none or empty. The result has the type of the digest's input.
package func tdigestPercentile(_ value: DynamicValue, _ p: Double) -> DynamicValue? {
  guard var state = PercentileState(value) else { return nil }
  state.settle()
  return state.percentile(p).map { state.value($0) }
}

/// Ascending by the highest `bits` bits in which keys differ, 11 at a time from the lowest; 64 sorts completely.
// SAFETY: `buffer` is not read before a pass has written all of its n elements. `digit` has `size` counts, indexed by masked keys, which sum up to
// n, so each of the n places is written once; the arrays are not touched otherwise while their addresses are used.
func radixSort(_ keys: inout [UInt64], bits: Int = 64) {
  let n = keys.count
  if n < 256 { return keys.sort() }
  let first = keys[0]
  var varying: UInt64 = 0
  for key in keys { varying |= key ^ first }
  if varying == 0 { return }
  let top = 64 - varying.leadingZeroBitCount
  var shift = max(varying.trailingZeroBitCount, top - bits)
  let width = 11, size = 1 << width
  var buffer = unsafe [UInt64](unsafeUninitializedCapacity: n) { _, count in count = n }
  var counts = [Int](repeating: 0, count: size)
  while shift < top {
    unsafe counts.withUnsafeMutableBufferPointer { counts in
      unsafe keys.withUnsafeBufferPointer { from in
        unsafe buffer.withUnsafeMutableBufferPointer { to in
          guard let digit = counts.baseAddress, let f = from.baseAddress, let t = to.baseAddress else { return }
          unsafe digit.update(repeating: 0, count: size)
          let by = UInt64(shift), mask = size - 1
          for i in 0..<n { unsafe digit[Int(truncatingIfNeeded: f[i] >> by) & mask] &+= 1 }
          var sum = 0
          for k in 0..<size {
            let count = unsafe digit[k]
            unsafe digit[k] = sum
            sum &+= count
          }
          for i in 0..<n {
            let key = unsafe f[i]
            let slot = Int(truncatingIfNeeded: key >> by) & mask
            unsafe t[digit[slot]] = key
            unsafe digit[slot] &+= 1
          }
        }
      }
    }
    swap(&keys, &buffer)
    shift += width
  }
}
