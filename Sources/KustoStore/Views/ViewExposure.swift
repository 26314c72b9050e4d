// Role: materialized views that would show rows which a row level security policy of their source hides: found where the policy is set, and where
// such a view is enabled again. Source: Kusto reference, "Materialized views policies", "Row level security policy".

import Columnar
import DataSource
import Engine
import Expressions
import KQL

extension CommandRun {
  static let opensViews = "allowMaterializedViewsWithoutRowLevelSecurity"

  /// Views over the table that pass whole values of its rows on, have no policy of their own, and were not said to be open.
  func exposingViews(over table: StoreTable) throws -> [MaterializedView] {
    try MaterializedView.all(in: table.database.name, metadata).filter { try $0.source == table.name && $0.isEnabled && exposes($0, in: table.database.name) }
  }

  /// Whether a view shows rows of its source by the source's policy alone, which does not reach what is stored of it.
  private func exposes(_ view: MaterializedView, in database: String) throws -> Bool {
    guard !view.isOpen, try Policies(metadata).rowLevelSecurity(in: .view(database: database, view.name)) == nil else { return false }
    // One that cannot be read shows nothing.
    guard let plan = try? view.plan(catalog(for: .metadata)) else { return false }
    return Self.passesValues(plan)
  }

  private static func passesValues(_ plan: LogicalPlan) -> Bool {
    switch plan.node {
    case .aggregate(_, let aggregates, _): aggregates.contains { ["arg_max", "arg_min", "take_any", "take_anyif", "take_any_row"].contains($0.call.name) }
    case .project(_, let input), .filter(_, let input): passesValues(input)
    default: false
    }
  }

  /// Throws PERMISSION for a policy that such a view would go around, unless the command says that it may: then the views are open from now on.
  func settle(_ views: [MaterializedView], over table: StoreTable, _ properties: CommandProperties) throws {
    guard let first = views.first else { return }
    guard try properties.bool(Self.opensViews) == true else {
      throw KConnectError(
        .permission, "the materialized view '\(first.name)' shows rows of '\(table.name)' and has no row level security policy of its own",
        hint: ".alter materialized-view \(quotedName(first.name)) policy row_level_security …, or with (\(Self.opensViews)=true)")
    }
    let lock = try table.database.lockViews()
    defer { withExtendedLifetime(lock) {} }
    for view in views {
      guard var found = try MaterializedView.find(view.name, in: table.database.name, metadata) else { continue }
      found.isOpen = true
      try found.put(in: table.database.name, metadata)
    }
  }

  /// The same for a view that is to be enabled over a table which has the policy already.
  func checkExposure(of view: MaterializedView, _ properties: CommandProperties) throws {
    let database = try database()
    guard let table = try database.tableIfExists(view.source), try Policies(metadata).rowLevelSecurity(in: .table(table.id)) != nil else { return }
    if try exposes(view, in: database.name) { try settle([view], over: table, properties) }
  }
}
