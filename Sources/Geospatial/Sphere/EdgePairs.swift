// Role: finds the pairs of arcs that may touch: a sweep over bounding boxes in space, so that long inputs do not cost the square of their length.

/// An arc with its bounding box in space.
struct Arc {
  let a: Vector
  let b: Vector
  let low: Vector
  let high: Vector

  init(_ a: Vector, _ b: Vector) {
    self.a = a
    self.b = b
    // The arc leaves the box of its ends by at most the height of its bow.
    let half = (a - b).length / 2
    let bow = 1 - (1 - min(1, half * half)).squareRoot() + 2e-14
    low = pointwiseMin(a, b) - bow
    high = pointwiseMax(a, b) + bow
  }

  @inline(__always) func mayTouch(_ o: Arc) -> Bool {
    low.x <= o.high.x && o.low.x <= high.x && low.y <= o.high.y && o.low.y <= high.y && low.z <= o.high.z && o.low.z <= high.z
  }
}

/// Calls `body` once for each pair i < j of arcs whose boxes meet, until it gives false.
func forEachPair(_ arcs: [Arc], _ body: (Int, Int) -> Bool) {
  // Sweep along the axis on which the arcs spread most.
  var low = Vector(repeating: .infinity), high = Vector(repeating: -.infinity)
  for arc in arcs {
    low = pointwiseMin(low, arc.low)
    high = pointwiseMax(high, arc.high)
  }
  let spread = high - low
  let axis = spread.x >= spread.y && spread.x >= spread.z ? 0 : spread.y >= spread.z ? 1 : 2
  let order = arcs.indices.sorted { arcs[$0].low[axis] < arcs[$1].low[axis] }
  var open: [Int] = []
  for i in order {
    let start = arcs[i].low[axis]
    open.removeAll { arcs[$0].high[axis] < start }
    for j in open where arcs[i].mayTouch(arcs[j]) {
      if !body(min(i, j), max(i, j)) { return }
    }
    open.append(i)
  }
}
