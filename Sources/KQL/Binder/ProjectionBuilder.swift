// Builds the output columns of a projection under Kusto's rules for names: declared names must differ, others are made
// unique with a number, `extend` replaces columns in place.

import Expressions

/// Hands out names that do not repeat: `x`, `x1`, `x2`.
struct UniqueNames {
  private var lastSuffix: [String: Int] = [:]

  init() {}

  init(taken names: [String]) {
    lastSuffix.reserveCapacity(names.count + 1)
    for name in names { lastSuffix[name] = 0 }
  }

  mutating func unique(_ name: String, base: String? = nil) -> String {
    guard let last = lastSuffix[name] else {
      lastSuffix[name] = 0
      return name
    }
    var suffix = last + 1
    while lastSuffix["\(base ?? name)\(suffix)"] != nil { suffix += 1 }
    lastSuffix[name] = suffix
    let made = "\(base ?? name)\(suffix)"
    lastSuffix[made] = 0
    return made
  }

  /// Marks a name as taken.
  mutating func take(_ name: String) {
    if lastSuffix[name] == nil { lastSuffix[name] = 0 }
  }

  func contains(_ name: String) -> Bool { lastSuffix[name] != nil }
}

struct ProjectionBuilder {
  private(set) var columns: [NamedExpr] = []
  private var places: [String: Int] = [:]
  private var declared: Set<String> = []
  private var names = UniqueNames()
  private var nextNumber = 1

  init() {}

  /// Begins with the columns of a row under their names, which differ.
  init(passing names: [String]) {
    columns = names.map { NamedExpr($0, .column($0)) }
    places.reserveCapacity(names.count + 1)
    for (i, name) in names.enumerated() { places[name] = i }
    self.names = UniqueNames(taken: names)
  }

  func contains(_ name: String) -> Bool { places[name] != nil }

  /// Adds a column whose name was not written; a taken name gets a number, or gives way when `replaces`.
  mutating func add(_ name: String, _ expr: Expr, replaces: Bool = false) {
    if replaces, let place = places[name] {
      columns[place].expr = expr
      return
    }
    let unique = names.unique(name)
    places[unique] = columns.count
    columns.append(NamedExpr(unique, expr))
  }

  /// Adds a column whose name was written or is a column reference; false when the name was declared before.
  mutating func declare(_ name: String, _ expr: Expr, replaces: Bool = false) -> Bool {
    guard declared.insert(name).inserted else { return false }
    add(name, expr, replaces: replaces)
    return true
  }

  /// The next free `Column1`, `Column2`, ...; `avoiding` says which names are in use elsewhere.
  mutating func numbered(avoiding: (String) -> Bool) -> String {
    while true {
      let name = "Column\(nextNumber)"
      nextNumber += 1
      if !avoiding(name) && !names.contains(name) { return name }
    }
  }

  /// Renames a column in place; false when the new name is taken.
  mutating func rename(at place: Int, to name: String) -> Bool {
    if let other = places[name], other != place { return false }
    places[columns[place].name] = nil
    columns[place].name = name
    places[name] = place
    return true
  }
}
