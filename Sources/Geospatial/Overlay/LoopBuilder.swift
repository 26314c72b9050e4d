// Role: joins directed pieces into loops and the loops into polygons with holes, and joins pieces into lines.

#if canImport(Glibc)
import Glibc
#endif

/// Makes shapes of the pieces an overlay kept.
struct LoopBuilder {
  let points: [Vector]

  /// Polygons bounded by the pieces, which run with the inside on their left. Loops begin after their last input edge.
  func polygons(_ pieces: [Piece]) -> [[[Vector]]] {
    let loops = loops(pieces).filter { $0.count >= 3 }.map { canonical($0) }.sorted { $0[0].edge < $1[0].edge }
    var shells: [[Vector]] = []
    var holes: [[Vector]] = []
    for loop in loops.map({ $0.map { points[$0.from] } }) {
      if leftArea(loop) <= 2 * .pi { shells.append(loop) } else { holes.append(loop) }
    }
    var polygons = shells.map { [$0] }
    let indexes = holes.isEmpty ? [] : shells.map { RegionIndex(Region(polygons: [[$0]])) }
    for hole in holes {
      // A point inside the hole's shell, not on it: the middle of an edge that is not the shell's.
      let inside = shells.indices.filter { k in
        let corners = Set(shells[k])
        let free = hole.indices.first { !corners.contains(hole[$0]) }
        return indexes[k].contains(free.map { hole[$0] } ?? (hole[0] + hole[1]).unit)
      }
      if let k = inside.min(by: { leftArea(shells[$0]) < leftArea(shells[$1]) }) { polygons[k].append(hole) }
    }
    return polygons
  }

  /// Loops without repeated points.
  private func loops(_ pieces: [Piece]) -> [[Piece]] {
    var leaving: [Int: [Int]] = [:]
    for (i, piece) in pieces.enumerated() { leaving[piece.from, default: []].append(i) }
    var used = Array(repeating: false, count: pieces.count)
    var out: [[Piece]] = []
    for start in pieces.indices where !used[start] {
      var path: [Piece] = []
      var positions: [Int: Int] = [:]
      var at = start
      while true {
        used[at] = true
        positions[pieces[at].from] = path.count
        path.append(pieces[at])
        // Back at a point of the path: that part is a loop of its own.
        if let k = positions[pieces[at].to] {
          out.append(Array(path[k...]))
          for piece in path[k...] { positions[piece.from] = nil }
          path.removeSubrange(k...)
        }
        guard let last = path.last, let next = next(after: last, leaving[last.to] ?? [], pieces, used) else { break }
        at = next
      }
    }
    return out
  }

  /// The unused piece that turns left most sharply: the first clockwise from the way back.
  private func next(after piece: Piece, _ candidates: [Int], _ pieces: [Piece], _ used: [Bool]) -> Int? {
    let free = candidates.filter { !used[$0] }
    if free.count <= 1 { return free.first }
    let v = points[piece.to]
    let back = points[piece.from] - v
    func clockwise(_ i: Int) -> Double {
      let out = points[pieces[i].to] - v
      let angle = atan2(v.dot(back.cross(out)), back.dot(out) - back.dot(v) * out.dot(v))
      return angle < 0 ? -angle : 2 * .pi - angle
    }
    return free.min { clockwise($0) < clockwise($1) }
  }

  /// The loop turned so that its last piece is the one of the latest input edge.
  private func canonical(_ loop: [Piece]) -> [Piece] {
    guard let last = loop.indices.max(by: { loop[$0].edge < loop[$1].edge }) else { return loop }
    return Array(loop[(last + 1)...] + loop[...last])
  }

  /// Lines of the pieces: joined where exactly one ends and one begins.
  func lines(_ pieces: [Piece]) -> [[Vector]] {
    var leaving: [Int: [Int]] = [:], arriving: [Int: Int] = [:]
    for (i, piece) in pieces.enumerated() {
      leaving[piece.from, default: []].append(i)
      arriving[piece.to, default: 0] += 1
    }
    func isInner(_ p: Int) -> Bool { leaving[p]?.count == 1 && arriving[p] == 1 }
    var used = Array(repeating: false, count: pieces.count)
    var out: [[Vector]] = []
    func follow(_ start: Int) {
      var line = [points[pieces[start].from], points[pieces[start].to]]
      used[start] = true
      var end = pieces[start].to
      while isInner(end), let next = leaving[end]?.first, !used[next] {
        used[next] = true
        end = pieces[next].to
        line.append(points[end])
      }
      out.append(line)
    }
    for i in pieces.indices where !used[i] && !isInner(pieces[i].from) { follow(i) }
    for i in pieces.indices where !used[i] { follow(i) }
    return out
  }
}
