// Role: splits batches by the values of the partition columns and names the directories: `year=2024/city=K%C3%B6ln`-style, encoded as Spark does.

package import Columnar
import DataSource

/// Names the partition of a value. Nulls and empty texts are `__HIVE_DEFAULT_PARTITION__`, as in Hive and Spark.
package enum PartitionText {
  package static let null = "__HIVE_DEFAULT_PARTITION__"

  /// The text of a value before percent-encoding.
  package static func text(_ value: Scalar) -> String {
    switch value {
    case .null, .dynamic: return null
    case .string(let v): return v.isEmpty ? null : v
    // SAFETY: the texts of reals and datetimes fit `ScalarText.room`, which `text` has.
    case .real(let v): return unsafe ScalarText.text { unsafe ScalarText.write(realWithPoint: v == 0 ? 0 : v, to: $0) }
    case .datetime(let v): return unsafe ScalarText.text { unsafe ScalarText.write(shortDatetime: v, to: $0) }
    default: return ScalarText.text(value) ?? null
    }
  }

  /// `name=value`, both encoded.
  package static func directory(_ name: String, _ value: Scalar) -> String { percentEncoded(name) + "=" + percentEncoded(text(value)) }
}

/// Splits batches into one batch per partition.
struct PartitionSplitter: Sendable {
  /// Positions of the partition columns, in directory order.
  private let keys: [Int]
  private let data: [Int]
  private let names: [String]
  private let template: DirectoryTemplate?

  init(schema: StructType, partitionBy: [String], template: DirectoryTemplate? = nil) throws {
    self.template = template
    var keys: [Int] = []
    for name in partitionBy {
      guard let i = schema.index(of: name) else {
        throw KConnectError(
          .columnNotFound, "partition column '\(name)' is not in the data",
          hint: nearestName(to: name, among: schema.names).map { "did you mean '\($0)'?" } ?? "columns: \(schema.names.joined(separator: ", "))")
      }
      if keys.contains(i) { throw KConnectError(.usage, "partition column '\(name)' is given twice") }
      if schema[i].type == .dynamic { throw KConnectError(.typeMismatch, "partition column '\(name)' is dynamic, expected a scalar type") }
      keys.append(i)
    }
    self.keys = keys
    data = schema.fields.indices.filter { !keys.contains($0) }
    names = partitionBy
    guard !data.isEmpty else {
      throw KConnectError(.usage, "all columns are partition columns; a file needs at least one other", hint: "leave one column out of partitionBy")
    }
  }

  private func path(_ directory: String, _ k: Int, _ text: String) -> String {
    template?.path(directory, k, text) ?? joinPath(directory, percentEncoded(names[k]) + "=" + percentEncoded(text))
  }

  /// The batches per partition directory, directories in order of first appearance. Each part has the data columns only.
  func split(_ batch: RecordBatch) -> [(directory: String, batch: RecordBatch)] {
    var groups = [Int32](repeating: 0, count: batch.rowCount)
    var directories: [String] = [""]
    for (k, i) in keys.enumerated() {
      let column = batch.columns[i]
      let codes = PartitionCodes(column)
      if codes.texts.count == 1, directories.count == 1 {
        directories = [path(directories[0], k, codes.texts[0])]
        continue
      }
      var combined: [UInt64: Int32] = [:]
      var next: [String] = []
      var lastKey = UInt64.max, lastGroup: Int32 = 0
      for row in 0..<batch.rowCount {
        let key = UInt64(UInt32(bitPattern: groups[row])) << 32 | UInt64(UInt32(bitPattern: codes.codes[row]))
        if key != lastKey {
          lastKey = key
          if let known = combined[key] {
            lastGroup = known
          } else {
            lastGroup = Int32(next.count)
            combined[key] = lastGroup
            let text = codes.texts[Int(codes.codes[row])]
            next.append(path(directories[Int(groups[row])], k, text))
          }
        }
        groups[row] = lastGroup
      }
      directories = next
    }
    let projected = batch.selecting(data)
    if directories.count == 1 { return [(directories[0], projected)] }
    return zip(directories, Self.positions(groups, count: directories.count)).map { ($0, projected.take($1)) }
  }

  private static func positions(_ groups: [Int32], count: Int) -> [Buffer<Int32>] {
    let builders = (0..<count).map { _ in BufferBuilder<Int32>() }
    for row in groups.indices { builders[Int(groups[row])].append(Int32(row)) }
    return builders.map { $0.finish() }
  }
}

/// A column as codes into the texts of its distinct values.
private struct PartitionCodes {
  var codes: [Int32]
  var texts: [String] = []

  init(_ column: ColumnVector) {
    codes = [Int32](repeating: 0, count: column.count)
    if column.isConstant {
      texts = [column.count > 0 ? PartitionText.text(column.scalar(0)) : PartitionText.null]
      return
    }
    var known: [TextKey: Int32] = [:]
    func code(_ text: String) -> Int32 {
      let key = TextKey(text)
      if let code = known[key] { return code }
      let code = Int32(texts.count)
      known[key] = code
      texts.append(text)
      return code
    }
    if case .dictionary(let own, let values) = column.storage {
      var mapped = [Int32](repeating: -1, count: values.count)
      for row in 0..<column.count {
        if !column.isValid(row) {
          codes[row] = code(PartitionText.null)
          continue
        }
        let value = Int(own[row])
        if mapped[value] < 0 { mapped[value] = code(PartitionText.text(values.scalar(value))) }
        codes[row] = mapped[value]
      }
      return
    }
    if case .long(let values) = column.storage {
      var byValue: [Int64: Int32] = [:]
      for row in 0..<column.count {
        if !column.isValid(row) {
          codes[row] = code(PartitionText.null)
        } else if let found = byValue[values[row]] {
          codes[row] = found
        } else {
          let new = code(PartitionText.text(column.scalar(row)))
          byValue[values[row]] = new
          codes[row] = new
        }
      }
      return
    }
    for row in 0..<column.count { codes[row] = code(PartitionText.text(column.scalar(row))) }
  }
}
