// Role: finds scalar functions and operators by name. Every family file contributes a list; unknown names get near ones.

import Columnar

/// All scalar functions and operators.
package enum FunctionRegistry {
  /// Every declaration, family by family.
  package static let all: [FunctionSpec] = {
    let families: [[FunctionSpec]] = [
      arithmeticOperators, comparisonOperators, textOperators, membershipOperators, conversionFunctions, logicFunctions, textFunctions,
      regexFunctions, timeFunctions, timePartFunctions, binFunctions, mathFunctions, memberFunctions, bagFunctions, arrayFunctions,
      hashFunctions, encodingFunctions, compressionFunctions, parsingFunctions, ipv4Functions, ipv6Functions, unitFunctions, statisticalFunctions, timeZoneFunctions,
      outputFunctions, seriesElementFunctions, seriesFigureFunctions, seriesFillFunctions, seriesFilterFunctions, seriesFitFunctions,
      seriesSeasonFunctions, sketchFunctions,
      punycodeFunctions, geoPointFunctions, geoLineFunctions, geoPolygonFunctions, geoCellFunctions, sessionFunctions, sizeFunctions,
      xmlFunctions, userAgentFunctions,
    ]
    return Array(families.joined())
  }()

  private static let byName: [String: FunctionSpec] = {
    var out: [String: FunctionSpec] = [:]
    for spec in all {
      out[spec.name] = spec
      for alias in spec.aliases { out[alias] = spec }
    }
    return out
  }()

  /// Names handled by the binder itself: they evaluate their arguments selectively.
  static let controlFlow: Set<String> = [FunctionName.and, FunctionName.or, "iff", "iif", "case", "coalesce"]

  /// The declaration of that name or alias, or nil.
  package static func find(_ name: String) -> FunctionSpec? { byName[name] }

  /// True when a scalar function of that name can be called.
  package static func exists(_ name: String) -> Bool { byName[name] != nil || controlFlow.contains(name) }

  /// Why functions of the language are not done here, or where they stand.
  private static let reasons: [String: String] = {
    var reasons = [
      "geo_info_from_ip_address": "looks addresses up in a database of places that the service brings along; join with a table of networks: evaluate ipv4_lookup(...)",
      "row_id": "is internal to the service", "rowstore_ordinal_range": "is internal to the service",
    ]
    for name in ["all", "map", "inner_nodes", "labels", "node_id", "node_degree_in", "node_degree_out"] { reasons[name] = "stands in the clauses of graph operators only" }
    return reasons
  }()

  /// The error for a name that cannot be called: known to the language but not done here, or unknown with near names.
  package static func missing(_ name: String) -> ExpressionError {
    if languageFunctions.contains(name) { return .notSupported("function '\(name)'" + (reasons[name].map { ", which \($0)" } ?? "")) }
    let names = byName.keys.filter { ($0.utf8.first ?? 0) | 0x20 >= 0x61 } + ["iff", "case", "coalesce"]
    return .functionNotFound(name, candidates: nearestNames(to: name, among: names))
  }
}
