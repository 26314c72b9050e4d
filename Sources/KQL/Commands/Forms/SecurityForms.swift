// Role: forms of commands about principals and roles.

extension CommandForms {
  private static let roles = "admins|users|viewers|unrestrictedviewers|ingestors|monitors|databasecreators|AllDatabasesAdmin|AllDatabasesViewer|AllDatabasesMonitor"
  private static let entity = "{cluster | database [<database>] | table <table> | function <function> | materialized-view <view> | external table <external>}"

  static let security: [CommandForm] = [
    CommandForm(.principalsShow, "show {principals | \(entity) principals}"),
    CommandForm(.principalRolesShow, "show [\(entity)] principal [<principal:string>] roles"),
    CommandForm(.principalAccessShow, "show [\(entity)] principal access [<properties>]"),
    CommandForm(.principalsAdd, "add \(entity) <role:\(roles)> <principals:strings> [skip-results] [<notes:string>]"),
    CommandForm(.principalsDrop, "drop \(entity) <role:\(roles)> <principals:strings> [skip-results] [<notes:string>]"),
    CommandForm(.principalsSet, "set \(entity) <role:\(roles)> {none | <principals:strings>} [skip-results] [<notes:string>]"),
  ]
}
