// Role: physical plans with their counters, as a tree and as JSON.

import Columnar
import DataSource
import Expressions

enum PhysicalText {
  static func text(_ node: PhysicalNode, counters: Bool) -> String {
    var out = ""
    write(node, depth: 0, counters, &out)
    return out
  }

  private static func write(_ node: PhysicalNode, depth: Int, _ counters: Bool, _ out: inout String) {
    let indent = String(repeating: "  ", count: depth)
    out += indent + node.name + (node.detail.isEmpty ? "" : " " + node.detail) + "\n"
    if counters {
      let m = node.metrics.now
      var parts: [String] = []
      if !node.children.isEmpty { parts.append("rows in \(m.rowsIn)") }
      parts.append("rows out \(m.rowsOut)")
      parts.append("time \(milliseconds(m.nanoseconds))")
            if m.peakMemory > 0 { parts.append("memory \(bytes(m.peakMemory))") }
      if m.spilledBytes > 0 { parts.append("spilled \(bytes(m.spilledBytes))") }
      out += "\(indent)    \(parts.joined(separator: ", "))\n"
      for line in node.reportLines { out += "\(indent)    \(line)\n" }
    }
    for child in node.children { write(child, depth: depth + 1, counters, &out) }
  }

  /// The last line of explain analyze.
  static func summary(elapsed: Int, run: QueryRun) -> String {
    "total time \(milliseconds(elapsed)) on \(run.parallelism) threads, peak memory of operators \(bytes(run.memory.peak))\n"
  }

  private static func milliseconds(_ nanoseconds: Int) -> String {
    let tenths = (nanoseconds + 50_000) / 100_000
    return "\(tenths / 10).\(tenths % 10) ms"
  }

  private static func bytes(_ n: Int) -> String {
    if n < 10 << 10 { return "\(n) B" }
    return n < 10 << 20 ? "\(n >> 10) KiB" : "\(n >> 20) MiB"
  }

  static func json(_ root: PhysicalNode, elapsed: Int?, run: QueryRun) -> String {
    var out = "{\"plan\":"
    write(root, counters: elapsed != nil, &out)
    if let elapsed { out += ",\"nanoseconds\":\(elapsed),\"threads\":\(run.parallelism),\"peakMemoryBytes\":\(run.memory.peak)" }
    return out + "}"
  }

  private static func write(_ node: PhysicalNode, counters: Bool, _ out: inout String) {
    out += "{\"operator\":\(quoted(node.name)),\"detail\":\(quoted(node.detail))"
    out += ",\"columns\":[\(node.schema.names.map { quoted($0) }.joined(separator: ","))]"
    if counters {
      let m = node.metrics.now
      out += ",\"rowsIn\":\(m.rowsIn),\"rowsOut\":\(m.rowsOut)"
      out += ",\"nanoseconds\":\(m.nanoseconds),\"peakMemoryBytes\":\(m.peakMemory)"
      out += ",\"spilledBytes\":\(m.spilledBytes)"
      if let s = node.scanMetrics {
        out += ",\"scan\":{\"bytesRead\":\(s.bytesRead),\"bytesTotal\":\(s.bytesTotal),\"rowsRead\":\(s.rowsRead),\"files\":\(s.files)"
        out += ",\"filesPruned\":\(s.filesPruned),\"rowGroups\":\(s.rowGroups),\"rowGroupsPruned\":\(s.rowGroupsPruned)"
        out += ",\"pages\":\(s.pages),\"pagesPruned\":\(s.pagesPruned)}"
      }
    }
    out += ",\"inputs\":["
    for (i, child) in node.children.enumerated() {
      if i > 0 { out += "," }
      write(child, counters: counters, &out)
    }
    out += "]}"
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
