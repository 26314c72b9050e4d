// Role: transformations of two frames: joins and unions.

import Columnar
public import DataSource
import Engine
import Expressions

/// Spark's join kinds.
public enum JoinType: String, Sendable, CaseIterable {
  case inner, left, right, full, leftSemi, leftAnti, cross

  /// The kind of that Spark name: `left_outer`, `leftouter`, `outer`, `semi`, `anti`, …; nil for others.
  public init?(name: String) {
    switch name.lowercased().filter({ $0 != "_" }) {
    case "inner": self = .inner
    case "left", "leftouter": self = .left
    case "right", "rightouter": self = .right
    case "full", "outer", "fullouter": self = .full
    case "semi", "leftsemi": self = .leftSemi
    case "anti", "leftanti": self = .leftAnti
    case "cross": self = .cross
    default: return nil
    }
  }

  var kind: JoinKind {
    switch self {
    case .inner: .inner
    case .left: .leftOuter
    case .right: .rightOuter
    case .full: .fullOuter
    case .leftSemi: .leftSemi
    case .leftAnti: .leftAnti
    case .cross: .cross
    }
  }
}

extension DataFrame {
  /// Joins on a column both sides have; the key stands once in the result.
  public func join(_ other: DataFrame, on key: String, how: JoinType = .inner) throws(KConnectError) -> DataFrame {
    try join(other, on: [key], how: how)
  }

  /// Joins on columns both sides have; each key stands once in the result (from whichever side has it), then the other columns of both sides.
  /// A right column whose name the left side has too is named `name1`. Null keys match nothing.
  public func join(_ other: DataFrame, on keys: [String], how: JoinType = .inner) throws(KConnectError) -> DataFrame {
    guard !keys.isEmpty || how == .cross else { throw KConnectError(.usage, "join: no key given", hint: "use how: .cross for all pairs") }
    return try derived {
      for name in keys where schema.index(of: name) == nil { throw ExpressionError.columnNotFound(name, candidates: schema.names) }
      for name in keys where other.schema.index(of: name) == nil { throw ExpressionError.columnNotFound(name, candidates: other.schema.names) }
      let pairs: [(left: Expr, right: Expr)] = keys.map { (left: .column($0), right: .column($0)) }
      if how == .leftSemi || how == .leftAnti { return try plan.join(other.plan, kind: how.kind, keys: pairs) }
      // Right keys under names of their own, so that they can be told from the left ones afterwards.
      let renamed = try other.plan.project(other.schema.names.map { NamedExpr(keys.contains($0) ? "$right.\($0)" : $0, .column($0)) })
      let joined = try plan.join(renamed, kind: how.kind, keys: keys.map { (left: .column($0), right: .column("$right.\($0)")) })
      var columns: [NamedExpr] = []
      for name in joined.schema.names where !name.hasPrefix("$right.") {
        guard keys.contains(name) else {
          columns.append(NamedExpr(name, .column(name)))
          continue
        }
        let right = Expr.column("$right.\(name)")
        let sameType = joined.schema.field(name)?.type == joined.schema.field("$right.\(name)")?.type
        switch how {
        case .right: columns.append(NamedExpr(name, right))
        // Not coalesce, which passes over empty texts.
        case .full where sameType: columns.append(NamedExpr(name, .call("case", [.call("is null", [.column(name)]), right, .column(name)])))
        case .full:
          throw KConnectError(
            .typeMismatch, "join: key '\(name)' has different types on the two sides", hint: "cast one side, for instance with cast(\"\(name)\", .long)")
        default: columns.append(NamedExpr(name, .column(name)))
        }
      }
      return try joined.project(columns)
    }
  }

  /// Joins on pairs of columns of the left and the right side; both stay in the result.
  public func join(_ other: DataFrame, on pairs: [(String, String)], how: JoinType = .inner) throws(KConnectError) -> DataFrame {
    try derived {
      for (name, _) in pairs where schema.index(of: name) == nil { throw ExpressionError.columnNotFound(name, candidates: schema.names) }
      for (_, name) in pairs where other.schema.index(of: name) == nil {
        throw ExpressionError.columnNotFound(name, candidates: other.schema.names)
      }
      return try plan.join(other.plan, kind: how.kind, keys: pairs.map { (left: .column($0.0), right: .column($0.1)) })
    }
  }

  /// All pairs of rows.
  public func crossJoin(_ other: DataFrame) throws(KConnectError) -> DataFrame { try derived { try plan.join(other.plan, kind: .cross, keys: []) } }

  /// The rows of both frames, by position: names are this frame's, numeric types widen, duplicates stay. Throws SCHEMA_MISMATCH.
  public func union(_ other: DataFrame) throws(KConnectError) -> DataFrame {
    guard schema.count == other.schema.count else {
      throw KConnectError(
        .schemaMismatch, "union: \(schema.count) columns and \(other.schema.count) columns",
        hint: "unionByName(_:allowMissingColumns:) matches columns by name")
    }
    return try derived {
      let types = try zip(schema.fields, other.schema.fields).map { try Self.commonType($0, $1) }
      let left = try plan.project(zip(schema.fields, types).map { NamedExpr($0.name, Self.cast(.column($0.name), $0.type, $1)) })
      let right = try other.plan.project(
        zip(zip(schema.fields, other.schema.fields), types).map { NamedExpr($0.0.name, Self.cast(.column($0.1.name), $0.1.type, $1)) })
      return try .union([left, right])
    }
  }

  /// The same as `union`.
  public func unionAll(_ other: DataFrame) throws(KConnectError) -> DataFrame { try union(other) }

  /// The rows of both frames, matched by column name. With `allowMissingColumns` a column that one side lacks is null there.
  public func unionByName(_ other: DataFrame, allowMissingColumns: Bool = false) throws(KConnectError) -> DataFrame {
    let missing = schema.names.filter { other.schema.index(of: $0) == nil }
    let extra = other.schema.fields.filter { schema.index(of: $0.name) == nil }
    guard allowMissingColumns || (missing.isEmpty && extra.isEmpty) else {
      let names = missing.map { "'\($0)' (only left)" } + extra.map { "'\($0.name)' (only right)" }
      throw KConnectError(
        .schemaMismatch, "unionByName: columns differ: \(names.prefix(8).joined(separator: ", "))", hint: "pass allowMissingColumns: true to fill with nulls")
    }
    return try derived {
      let fields = schema.fields + extra
      var left: [NamedExpr] = []
      var right: [NamedExpr] = []
      for field in fields {
        let mine = schema.field(field.name), theirs = other.schema.field(field.name)
        let type = try Self.commonType(mine ?? field, theirs ?? field)
        left.append(NamedExpr(field.name, mine.map { Self.cast(.column($0.name), $0.type, type) } ?? .literal(.null(type))))
        right.append(NamedExpr(field.name, theirs.map { Self.cast(.column($0.name), $0.type, type) } ?? .literal(.null(type))))
      }
      return try .union([plan.project(left), other.plan.project(right)])
    }
  }

  private static func commonType(_ a: StructField, _ b: StructField) throws -> DataType {
    if a.type == b.type { return a.type }
    guard a.type.isNumeric, b.type.isNumeric else {
      throw KConnectError(.schemaMismatch, "union: column '\(a.name)' is \(a.type) on the left and \(b.type) on the right", hint: "cast one side first")
    }
    // A real may be greater than every decimal, so both together are reals, as in Spark.
    let order: [DataType] = [.int, .long, .decimal, .real]
    return order.last { $0 == a.type || $0 == b.type } ?? a.type
  }

  private static func cast(_ expr: Expr, _ from: DataType, _ to: DataType) -> Expr { from == to ? expr : .call("to\(to)", [expr]) }
}
