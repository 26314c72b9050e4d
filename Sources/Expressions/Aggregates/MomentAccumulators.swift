// Role: variance, standard deviation and covariance by Welford's updates, stable whatever the magnitude of the values.
// Kusto: nulls are ignored; fewer than two values (sample) or none (population) give 0.

import Columnar

/// What an accumulator of moments gives in the end.
struct MomentResult: Sendable {
  var isSample: Bool
  var takesRoot: Bool
}

/// var/stdev over one argument, or covariance over two; arguments are real.
final class MomentAccumulator: GroupedAccumulator {
  private struct Moments: BitwiseCopyable, Sendable {
    var count = 0.0, meanX = 0.0, meanY = 0.0, product = 0.0

    @inline(__always) mutating func add(_ x: Double, _ y: Double) {
      count += 1
      let dx = x - meanX
      meanX += dx / count
      meanY += (y - meanY) / count
      product += dx * (y - meanY)
    }

    mutating func merge(_ o: Moments) {
      guard o.count > 0 else { return }
      let n = count + o.count
      let dx = o.meanX - meanX, dy = o.meanY - meanY
      product += o.product + dx * dy * count * o.count / n
      meanX += dx * o.count / n
      meanY += dy * o.count / n
      count = n
    }
  }

  private let result: MomentResult
  private let state = BufferBuilder<Moments>()

  init(_ result: MomentResult) { self.result = result }

  var byteSize: Int { state.capacity * MemoryLayout<Moments>.stride }

  // SAFETY: x and y have a value for each row and are kept alive behind the loops; groups are below groupCount, to which `state` was grown.
  func update(_ arguments: [ColumnVector], rowCount: Int, groups: Buffer<Int32>?, groupCount: Int) {
    state.grow(to: groupCount, filling: Moments())
    guard groupCount > 0 else { return }
    let x = arguments[0].realValues
    let y = arguments.count > 1 ? arguments[1].realValues : x
    let validity = arguments.count > 1 ? Bitmap.intersection(arguments[0].validity, arguments[1].validity) : arguments[0].validity
    let px = unsafe x.pointer, py = unsafe y.pointer, s = unsafe state.pointer
    if groups == nil {
      // Two passes over the batch need no division for each row.
      var n = 0.0, sumX = 0.0, sumY = 0.0
      forEachRow(rowCount, validity, nil) { i, _ in
        n += 1
        unsafe sumX += px[i]
        unsafe sumY += py[i]
      }
      guard n > 0 else { return }
      var batch = Moments(count: n, meanX: sumX / n, meanY: sumY / n, product: 0)
      forEachRow(rowCount, validity, nil) { i, _ in unsafe batch.product += (px[i] - batch.meanX) * (py[i] - batch.meanY) }
      unsafe s[0].merge(batch)
      return withExtendedLifetime((x, y)) {}
    }
    forEachRow(rowCount, validity, groups) { i, g in unsafe s[g].add(px[i], py[i]) }
    withExtendedLifetime((x, y)) {}
  }

  // SAFETY: mapped groups are below groupCount, to which `state` was grown; g is below the other's count.
  func merge(_ other: any GroupedAccumulator, mapping: Buffer<Int32>, groupCount: Int) throws {
    guard let other = other as? MomentAccumulator else { throw mismatchedMerge(other) }
    state.grow(to: groupCount, filling: Moments())
    for g in 0..<min(mapping.count, other.state.count) { unsafe state.pointer[Int(mapping[g])].merge(other.state.pointer[g]) }
  }

  // SAFETY: `state` was grown to groupCount elements.
  func finish(groupCount: Int) -> ColumnVector {
    state.grow(to: groupCount, filling: Moments())
    let out = BufferBuilder<Double>(capacity: groupCount)
    for g in 0..<groupCount {
      let m = unsafe state.pointer[g]
      let divisor = result.isSample ? m.count - 1 : m.count
      let variance = divisor > 0 ? m.product / divisor : 0
      out.append(result.takesRoot ? variance.squareRoot() : variance)
    }
    return .real(out.finish())
  }

  // SAFETY: as in `finish`.
  func partialState(groupCount: Int) -> [ColumnVector] {
    state.grow(to: groupCount, filling: Moments())
    func column(_ part: (Moments) -> Double) -> ColumnVector {
      let out = BufferBuilder<Double>(capacity: groupCount)
      for g in 0..<groupCount { unsafe out.append(part(state.pointer[g])) }
      return .real(out.finish())
    }
    return [column(\.count), column(\.meanX), column(\.meanY), column(\.product)]
  }

  // SAFETY: groups are below groupCount, to which `state` was grown.
  func updatePartial(_ parts: [ColumnVector], rowCount: Int, groups: Buffer<Int32>, groupCount: Int) {
    state.grow(to: groupCount, filling: Moments())
    let columns = parts.map(\.realValues)
    for i in 0..<rowCount {
      let m = Moments(count: columns[0][i], meanX: columns[1][i], meanY: columns[2][i], product: columns[3][i])
      unsafe state.pointer[Int(groups[i])].merge(m)
    }
  }
}
