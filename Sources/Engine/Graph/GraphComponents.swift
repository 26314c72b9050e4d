// Role: connected components of a graph: weak by union-find, strong by Tarjan's algorithm without recursion. Components are numbered from 0
// in the order of their first node.

import Columnar

extension Graph {
  /// For each node the number of its component when edges count in both directions.
  func weakComponents() -> [Int32] {
    var parent = (0..<Int32(nodeCount)).map { $0 }
    func root(_ node: Int32) -> Int32 {
      var n = node
      while parent[Int(n)] != n {
        parent[Int(n)] = parent[Int(parent[Int(n)])]
        n = parent[Int(n)]
      }
      return n
    }
    for e in 0..<edgeCount {
      let a = root(sources[e]), b = root(targets[e])
      if a != b { parent[Int(max(a, b))] = min(a, b) }
    }
    return numbered((0..<Int32(nodeCount)).map(root))
  }

  /// For each node the number of its component when nodes must reach each other along the edges.
  func strongComponents() -> [Int32] {
    if !isDirected { return weakComponents() }
    var index = [Int32](repeating: -1, count: nodeCount)
    var low = [Int32](repeating: 0, count: nodeCount)
    var isOnStack = [Bool](repeating: false, count: nodeCount)
    var component = [Int32](repeating: -1, count: nodeCount)
    var stack: [Int32] = []
    var calls: [(node: Int32, next: Int32)] = []
    var counter: Int32 = 0
    for first in 0..<Int32(nodeCount) where index[Int(first)] < 0 {
      calls.append((first, out.starts[Int(first)]))
      while let (node, next) = calls.last {
        let n = Int(node)
        if index[n] < 0 {
          index[n] = counter
          low[n] = counter
          counter += 1
          stack.append(node)
          isOnStack[n] = true
        }
        if next < out.starts[n + 1] {
          calls[calls.count - 1].next += 1
          let target = targets[Int(out.edges[Int(next)])]
          if index[Int(target)] < 0 {
            calls.append((target, out.starts[Int(target)]))
          } else if isOnStack[Int(target)] {
            low[n] = min(low[n], index[Int(target)])
          }
          continue
        }
        calls.removeLast()
        if let caller = calls.last { low[Int(caller.node)] = min(low[Int(caller.node)], low[n]) }
        guard low[n] == index[n] else { continue }
        while let member = stack.popLast() {
          isOnStack[Int(member)] = false
          component[Int(member)] = node
          if member == node { break }
        }
      }
    }
    return numbered(component)
  }

  /// Labels as consecutive numbers in the order of their first node.
  private func numbered(_ labels: [Int32]) -> [Int32] {
    var numbers = [Int32](repeating: -1, count: nodeCount)
    var next: Int32 = 0
    return labels.map { label in
      if numbers[Int(label)] < 0 {
        numbers[Int(label)] = next
        next += 1
      }
      return numbers[Int(label)]
    }
  }
}
