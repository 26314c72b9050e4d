// geo_line_lookup and geo_polygon_lookup: every row against every shape of a small lookup table, through the functions that measure one pair.
// Source: Kusto language reference, "geo_line_lookup plugin", "geo_polygon_lookup plugin".

import Columnar
import Engine
import Expressions

extension Binder {
  func geoLookup(_ plugin: PluginCall) throws(BindFailure) -> LogicalPlan {
    let isLine = plugin.name == "geo_line_lookup"
    try expect(plugin, (isLine ? 5 : 4)...8)
    try expectNames(plugin, ["radius", "return_unmatched", "lookup_area_radius", "return_lookup_key"])
    let arguments = plugin.positional
    let input = plugin.input
    let lookup = try table(arguments[0], what: "the lookup table of '\(plugin.name)'")
    let shape = try column(arguments[1], lookup)
    guard shape.type == .dynamic else { try fail(.typeExpected, "'\(plugin.name)' takes shapes in a dynamic column, '\(shape.name)' is \(shape.type)", at: arguments[1].span) }
    let longitude = try typed(arguments[2], plainScope(input)).0
    let latitude = try typed(arguments[3], plainScope(input)).0
    let radius = plugin.named("radius") ?? optional(arguments, 4)
    func isSet(_ name: String, _ place: Int) throws(BindFailure) -> Bool {
      guard let given = plugin.named(name) ?? optional(arguments, place) else { return false }
      return try flag(given)
    }
    let keepsUnmatched = try isSet("return_unmatched", 5)
    let givesShape = try isSet("return_lookup_key", 7)
    let point = [Expr.column("$longitude"), .column("$latitude")]
    let test: Expr
    if let radius {
      let length = try constant(radius, as: .real)
      let distance = Expr.call(isLine ? "geo_distance_point_to_line" : "geo_distance_point_to_polygon", point + [.column("$shape")])
      test = .call(FunctionName.lessOrEqual, [distance, .literal(length)])
    } else {
      test = .call("geo_point_in_polygon", point + [.column("$shape")])
    }
    // Lookup columns under names that cannot meet the source's.
    let given = lookup.plan.schema.fields.filter { givesShape || $0.name != shape.name }
    let names = Self.uniqueNames(input.plan.schema.names + given.map(\.name)).dropFirst(input.plan.schema.count)
    let source = input.plan.schema.names.map { NamedExpr($0, .column($0)) }
    let shown = zip(names, given).map { NamedExpr($0, .column("$lookup.\($1.name)")) }
    return try make(plugin) {
      let points = try input.plan.project(source + [NamedExpr("$longitude", longitude), NamedExpr("$latitude", latitude), NamedExpr("$one", .literal(.long(1)))])
      let shapes = try lookup.plan.project(
        given.map { NamedExpr("$lookup.\($0.name)", .column($0.name)) } + [NamedExpr("$shape", .column(shape.name)), NamedExpr("$key", .literal(.long(1)))])
      let matched = try points.join(shapes, kind: .inner, keys: [(.column("$one"), .column("$key"))]).filter(test)
      let found = try matched.project(source + shown)
      if !keepsUnmatched { return found }
      // Rows of a place that matched nothing; places decide, so equal places match alike.
      let places = ["$longitude", "$latitude"].map { NamedExpr($0, .column($0)) }
      let rest = try points.join(try matched.project(places).distinct(), kind: .leftAnti, keys: places.map { ($0.expr, $0.expr) })
      return try .union([found, try rest.project(source + zip(names, given).map { NamedExpr($0, .literal(.null($1.type))) })])
    }
  }
}
