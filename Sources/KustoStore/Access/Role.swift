// Role: the roles principals can have, where they can have them, and which include which.
// Source: Kusto "Role-based access control".

/// A role as role commands spell it, lower-cased for cluster roles too.
enum Role: String, Sendable, CaseIterable {
  case admins, users, viewers, unrestrictedviewers, ingestors, monitors, databasecreators
  case allDatabasesAdmin = "alldatabasesadmin"
  case allDatabasesViewer = "alldatabasesviewer"
  case allDatabasesMonitor = "alldatabasesmonitor"

  init?(_ text: String) { self.init(rawValue: text.lowercased()) }

  /// As role commands spell it.
  var commandName: String { shownName.hasPrefix("AllDatabases") ? shownName : rawValue }

  /// As the column Role ends: `Database telemetry Admin`.
  var shownName: String {
    switch self {
    case .admins: "Admin"
    case .users: "User"
    case .viewers: "Viewer"
    case .unrestrictedviewers: "UnrestrictedViewer"
    case .ingestors: "Ingestor"
    case .monitors: "Monitor"
    case .databasecreators: "DatabaseCreator"
    case .allDatabasesAdmin: "AllDatabasesAdmin"
    case .allDatabasesViewer: "AllDatabasesViewer"
    case .allDatabasesMonitor: "AllDatabasesMonitor"
    }
  }

  /// The roles that can be given on a scope.
  static func fitting(_ scope: EntryScope) -> [Role] {
    switch scope {
    case .cluster: [.allDatabasesAdmin, .allDatabasesViewer, .allDatabasesMonitor, .databasecreators]
    case .database: [.admins, .users, .viewers, .unrestrictedviewers, .ingestors, .monitors]
    case .table: [.admins, .ingestors]
    default: [.admins]
    }
  }
}

/// What a role on the cluster or a database allows in every database it covers.
struct DatabaseRights: OptionSet, Sendable {
  let rawValue: UInt8

  /// Read rows.
  static let read = DatabaseRights(rawValue: 1)
  /// See metadata.
  static let show = DatabaseRights(rawValue: 2)
  /// Make tables and functions.
  static let create = DatabaseRights(rawValue: 4)
  /// Bring rows into every table.
  static let ingest = DatabaseRights(rawValue: 8)
  /// Change and drop everything.
  static let administer = DatabaseRights(rawValue: 16)
  /// Read tables with restricted view access, along with `read`.
  static let readRestricted = DatabaseRights(rawValue: 32)
  /// See the requests and operations of others.
  static let monitor = DatabaseRights(rawValue: 64)

  static let all: DatabaseRights = [.read, .show, .create, .ingest, .administer, .monitor]

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(_ role: Role) {
    self =
      switch role {
      case .admins, .allDatabasesAdmin: .all
      case .users: [.read, .show, .create]
      case .viewers, .allDatabasesViewer: [.read, .show]
      case .unrestrictedviewers: .readRestricted
      case .ingestors: .ingest
      case .monitors, .allDatabasesMonitor: [.show, .monitor]
      case .databasecreators: []
      }
  }

  /// The least role of a database that has all of these, for messages.
  var leastRole: Role {
    [Role.monitors, .ingestors, .viewers, .users].first { DatabaseRights($0).isSuperset(of: self) } ?? .admins
  }
}
