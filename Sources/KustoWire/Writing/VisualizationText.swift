// Role: what `render` asked for, as the JSON object clients draw by.

package import KQL
import Columnar

extension Visualization {
  private static let names = [
    "Title", "XColumn", "Series", "YColumns", "AnomalyColumns", "XTitle", "YTitle", "XAxis", "YAxis", "Legend", "YSplit", "Accumulate", "IsQuerySorted", "Kind",
    "Ymin", "Ymax", "Xmin", "Xmax",
  ]

  /// The object, with every property; nil stands for a query without `render`.
  package static func json(_ visualization: Visualization?) -> String {
    let given = Dictionary((visualization?.properties ?? []).map { ($0.name.lowercased(), $0.value) }) { $1 }
    var entries = [DynamicEntry("Visualization", visualization.map { .string($0.kind) } ?? .null)]
    for name in names {
      let value = given[name.lowercased()]
      switch name {
      case "Accumulate", "IsQuerySorted": entries.append(DynamicEntry(name, .bool(value?.lowercased() == "true")))
      case "Ymin", "Ymax": entries.append(DynamicEntry(name, value.map { number($0) } ?? .string("NaN")))
      case "Xmin", "Xmax": entries.append(DynamicEntry(name, value.map { number($0) } ?? .null))
      default: entries.append(DynamicEntry(name, value.map { .string($0) } ?? .null))
      }
    }
    return DynamicValue.bag(entries).json
  }

  private static func number(_ text: String) -> DynamicValue {
    if case .real(let value)? = ScalarText.parse(text, as: .real) { return .real(value) }
    return .string(text)
  }
}
