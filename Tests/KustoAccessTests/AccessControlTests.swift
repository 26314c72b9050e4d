// Role: who may do what: roles against commands and queries, row level security and restricted views against every way around them.

import Columnar
import DataSource
import KustoStore
import Testing

@Suite struct AccessControlTests {
  static let setup = [
    ".create database db", ".create database other",
    ".create table T (a:long, b:string)", ".ingest inline into table T <|\n1,x\n2,y\n3,z",
    ".create table Mine (a:long, b:string)",
    ".create function F() { T | where a > 1 }",
    ".create materialized-view with (backfill=true) V on table T { T | summarize n = count() by b }",
    ".add database db admins ('aaduser=admin@contoso.com')", ".add database db users ('aaduser=user@contoso.com')",
    ".add database db viewers ('aaduser=viewer@contoso.com')", ".add database db ingestors ('aaduser=ingestor@contoso.com')",
    ".add database db monitors ('aaduser=monitor@contoso.com')", ".add database db viewers ('aadgroup=readers;contoso.com')",
    ".add table T ingestors ('aaduser=feeder@contoso.com')", ".add table Mine admins ('aaduser=user@contoso.com')",
  ]

  struct Case: Sendable, CustomTestStringConvertible {
    let who: String
    let text: String
    let outcome: String
    var testDescription: String { "\(who): \(text) → \(outcome)" }

    init(_ who: String, _ text: String, _ outcome: String) {
      self.who = who
      self.text = text
      self.outcome = outcome
    }
  }

  static func principal(_ who: String) -> Principal? {
    switch who {
    case "root": GuardedStore.root
    case "nobody": nil
    case "group": GuardedStore.user("stranger", groups: ["Readers"])
    case "foreign": Principal(.user, objectId: "oid-admin", tenantId: "22222222-2222-2222-2222-222222222222", userPrincipalName: "admin@contoso.com")
    case "app": Principal(.application, objectId: "admin@contoso.com", tenantId: GuardedStore.tenant, applicationId: "admin@contoso.com")
    default: GuardedStore.user(who)
    }
  }

  static let cases: [Case] = [
    // Reading.
    Case("root", "T | count", "ok"), Case("admin", "T | count", "ok"), Case("user", "T | count", "ok"), Case("viewer", "T | count", "ok"), Case("group", "T | count", "ok"),
    Case("ingestor", "T | count", "PERMISSION"), Case("monitor", "T | count", "PERMISSION"), Case("feeder", "T | count", "PERMISSION"),
    Case("stranger", "T | count", "PERMISSION"), Case("foreign", "T | count", "PERMISSION"), Case("app", "T | count", "PERMISSION"), Case("nobody", "T | count", "PERMISSION"),
    Case("nobody", "print 1", "PERMISSION"), Case("stranger", "print 1", "PERMISSION"), Case("ingestor", "F() | count", "PERMISSION"), Case("ingestor", "V", "PERMISSION"),
    Case("ingestor", "print toscalar(T | count)", "PERMISSION"), Case("ingestor", "union * | count", "PERMISSION"), Case("ingestor", "search 'x'", "PERMISSION"),
    Case("viewer", "database('other').T2", "PERMISSION"), Case("viewer", "database('nowhere').T2", "PERMISSION"), Case("viewer", "F() | count", "ok"), Case("viewer", "V", "ok"),
    Case("ingestor", ".show tables | join kind=inner (T) on $left.TableName == $right.b", "PERMISSION"),
    Case("ingestor", ".show version | extend n = toscalar(T | count)", "PERMISSION"),
    Case("monitor", ".show version; T | count", "PERMISSION"),
    // Metadata.
    Case("viewer", ".show tables", "ok"), Case("monitor", ".show tables", "ok"), Case("ingestor", ".show tables", "PERMISSION"), Case("stranger", ".show tables", "PERMISSION"),
    Case("stranger", ".show databases", "ok"), Case("monitor", ".show database schema", "ok"), Case("monitor", ".show database db schema as json", "ok"),
    Case("viewer", ".show database other schema", "PERMISSION"), Case("viewer", ".show databases (other) schema", "PERMISSION"), Case("monitor", ".show materialized-view V statistics", "ok"),
    Case("viewer", ".show cluster extents", "PERMISSION"), Case("root", ".show cluster extents", "ok"), Case("viewer", ".show database journal", "PERMISSION"),
    Case("monitor", ".show database journal", "ok"), Case("stranger", ".show version", "ok"), Case("viewer", ".show cluster principals", "PERMISSION"),
    Case("viewer", ".show database db principals", "ok"), Case("stranger", ".show database db principals", "PERMISSION"), Case("stranger", ".show principal roles", "ok"),
    Case("viewer", ".show principal 'aaduser=admin@contoso.com' roles", "PERMISSION"), Case("ingestor", ".show table T ingestion mappings", "ok"),
    // Writing.
    Case("viewer", ".create table New (a:long)", "PERMISSION"), Case("user", ".create table New (a:long)", "ok"), Case("ingestor", ".create table New (a:long)", "PERMISSION"),
    Case("viewer", ".ingest inline into table T <| 4,q", "PERMISSION"), Case("user", ".ingest inline into table T <| 4,q", "PERMISSION"),
    Case("ingestor", ".ingest inline into table T <| 4,q", "ok"), Case("feeder", ".ingest inline into table T <| 4,q", "ok"), Case("feeder", ".ingest inline into table Mine <| 4,q", "PERMISSION"),
    Case("admin", ".ingest inline into table T <| 4,q", "ok"), Case("viewer", ".set-or-append T <| print a = long(1), b = 'x'", "PERMISSION"),
    Case("viewer", ".set New <| T", "PERMISSION"), Case("user", ".set New <| T", "ok"), Case("user", ".set-or-replace T <| T", "PERMISSION"), Case("user", ".set-or-replace Mine <| T", "ok"),
    Case("feeder", ".append T <| T", "PERMISSION"), Case("feeder", ".append T <| print a = long(1), b = 'x'", "ok"), Case("viewer", ".append async T <| T", "PERMISSION"),
    Case("user", ".drop table T", "PERMISSION"), Case("user", ".drop table Mine", "ok"), Case("admin", ".drop table T", "ok"), Case("feeder", ".drop table T", "PERMISSION"),
    Case("user", ".drop tables (Mine, T)", "PERMISSION"), Case("user", ".rename table T to T9", "PERMISSION"), Case("user", ".rename tables T9 = T", "PERMISSION"),
    Case("user", ".rename tables T = Mine, Mine = T", "PERMISSION"), Case("user", ".alter table T (a:long)", "PERMISSION"), Case("user", ".create-merge table T (c:long)", "PERMISSION"),
    Case("user", ".create table T (a:long)", "ok"), Case("user", ".clear table T data", "PERMISSION"), Case("user", ".delete table T records <| T", "PERMISSION"),
    Case("user", ".drop column T.b", "PERMISSION"), Case("user", ".rename columns c = T.b", "PERMISSION"), Case("user", ".alter column T.a type=string", "PERMISSION"),
    Case("user", ".drop extents from T", "PERMISSION"), Case("user", ".drop extents <| .show table T extents", "PERMISSION"),
    Case("user", ".move extents all from table T to table Mine", "PERMISSION"), Case("user", ".move extents to table Mine <| .show table T extents", "PERMISSION"),
    Case("user", ".replace extents in table Mine <| { .show table Mine extents }, { .show table T extents }", "PERMISSION"),
    Case("viewer", ".create function G() { T }", "PERMISSION"), Case("user", ".create function G() { T }", "ok"), Case("user", ".create function T() { print a = 1 }", "PERMISSION"), Case("user", ".create function V() { print a = 1 }", "PERMISSION"),
    Case("user", ".create-or-alter function Mine() { print a = 1 }", "PERMISSION"), Case("admin", ".create function T() { print a = 1 }", "ok"), Case("user", ".create-or-alter function F() { T }", "PERMISSION"),
    Case("user", ".drop function F", "PERMISSION"), Case("user", ".create table F (a:long, b:string)", "PERMISSION"), Case("user", ".rename table Mine to F", "PERMISSION"),
    Case("user", ".create table V (a:long)", "PERMISSION"), Case("user", ".drop materialized-view V", "PERMISSION"), Case("user", ".set F <| T", "PERMISSION"),
    Case("user", ".create materialized-view W on table T { T | summarize count() by b }", "PERMISSION"),
    Case("user", ".alter table T policy row_level_security enable 'T'", "PERMISSION"), Case("user", ".alter table Mine policy row_level_security enable 'Mine'", "ok"),
    Case("user", ".delete table T policy row_level_security", "PERMISSION"), Case("user", ".alter tables (Mine, T) policy retention '{}'", "PERMISSION"),
    Case("user", ".alter database db policy retention '{}'", "PERMISSION"), Case("admin", ".alter cluster policy capacity '{}'", "PERMISSION"),
    Case("viewer", ".show table T policy row_level_security", "ok"), Case("feeder", ".alter table T policy update '[]'", "PERMISSION"),
    Case("viewer", ".create table T ingestion csv mapping 'm' '[]'", "PERMISSION"), Case("user", ".execute database script <| .drop table T", "PERMISSION"),
    Case("viewer", ".export to csv ('/tmp/kconnect-no-such-place/x') <| T2", "KQL_SEMANTIC"), Case("ingestor", ".export to csv ('/tmp/kconnect-no-such-place/x') <| T", "PERMISSION"),
    // Databases and roles.
    Case("admin", ".create database new", "PERMISSION"), Case("admin", ".drop database db", "PERMISSION"), Case("root", ".create database new", "ok"),
    Case("viewer", ".add database db admins ('aaduser=viewer@contoso.com')", "PERMISSION"), Case("user", ".add table T admins ('aaduser=user@contoso.com')", "PERMISSION"),
    Case("user", ".add table Mine admins ('aaduser=viewer@contoso.com')", "ok"), Case("admin", ".add database db viewers ('aaduser=new@contoso.com')", "ok"),
    Case("admin", ".add database other viewers ('aaduser=admin@contoso.com')", "PERMISSION"), Case("admin", ".add cluster AllDatabasesAdmin ('aaduser=admin@contoso.com')", "PERMISSION"),
    Case("admin", ".set database db viewers none", "ok"), Case("user", ".add function F admins ('aaduser=user@contoso.com')", "PERMISSION"),
  ]

  @Test(arguments: cases) func rights(_ test: Case) throws {
    let store = try GuardedStore(Self.setup)
    #expect(store.outcome(test.text, as: Self.principal(test.who)) == test.outcome)
  }

  @Test func listsShowWhatOneMayKnow() throws {
    let store = try GuardedStore(Self.setup)
    #expect(try store.run(".show databases | project DatabaseName", as: GuardedStore.user("viewer")) == [["db"]])
    #expect(try store.run(".show databases | project DatabaseName", as: GuardedStore.user("feeder")) == [["db"]])
    #expect(try store.run(".show databases", as: GuardedStore.user("stranger")).isEmpty)
    #expect(try store.run(".show databases | count", as: GuardedStore.root) == [["2"]])
    try store.run("T | where b == 'secret text'", as: GuardedStore.user("admin"))
    #expect(try store.run(".show queries | where Text has 'secret' | count", as: GuardedStore.user("viewer")) == [["0"]])
    #expect(try store.run(".show queries | where Text has 'secret' | count", as: GuardedStore.user("monitor")) == [["1"]])
    try store.run(".create table New (a:long)", as: GuardedStore.user("user"))
    #expect(try store.run(".show commands | where Text has 'New' | count", as: GuardedStore.user("viewer")) == [["0"]])
    #expect(try store.run(".show commands | where Text has 'New' | count", as: GuardedStore.user("user")) == [["1"]])
    #expect(try store.run(".show operations | count", as: GuardedStore.user("stranger")) == [["0"]])
    #expect(store.outcome(".show tables", as: GuardedStore.user("viewer"), database: "OTHER") == "PERMISSION")
  }

  /// Secrets in texts are for those who administer the database, and who made the function.
  @Test func secretsAreForAdmins() throws {
    let store = try GuardedStore(Self.setup + [
      ".create function S() { print h'topsecret' }", ".create materialized-view MV on table T { T | where b != h'topsecret' | summarize count() by b }",
      ".alter table T policy row_level_security enable \"T | where b != h'topsecret'\"", ".add function S admins ('aaduser=user@contoso.com')",
    ])
    func sees(_ text: String, _ who: String) throws -> Bool { try store.run(text, as: GuardedStore.user(who)).joined().contains { $0.contains("topsecret") } }
    for (text, isAsked) in [
      (".show function S with (ShowObfuscatedStrings=true)", true), (".show functions with (ShowObfuscatedStrings=true)", true), (".show function S", false),
    ] {
      #expect(try sees(text, "admin") == isAsked)
      #expect(try sees(text, "user") == isAsked)
      #expect(try !sees(text, "viewer"))
    }
    for text in [".show materialized-views", ".show materialized-view MV", ".show table T policy row_level_security"] {
      #expect(try sees(text, "admin"))
      #expect(try !sees(text, "viewer"))
    }
  }

  @Test func creatorsBecomeAdmins() throws {
    let store = try GuardedStore(Self.setup)
    let user = GuardedStore.user("user")
    try store.run(".create table New (a:long)", as: user)
    #expect(try store.run(".show table New principals | project Role, PrincipalFQN", as: user) == [["Table New Admin", "aaduser=oid-user;\(GuardedStore.tenant)"]])
    #expect(store.outcome(".ingest inline into table New <| 1", as: user) == "ok")
    #expect(store.outcome(".drop table New", as: user) == "ok")
    try store.run(".create function G() { T }", as: user)
    #expect(store.outcome(".create-or-alter function G() { T | take 1 }", as: user) == "ok")
    try store.run(".drop function G", as: user)
    try store.owner(".create function G() { T }")
    // A new function of an old name has no admin of old.
    #expect(store.outcome(".create-or-alter function G() { T | take 1 }", as: user) == "PERMISSION")
  }

  @Test func rolesAreShownAndChanged() throws {
    let store = try GuardedStore(Self.setup)
    let admin = GuardedStore.user("admin")
    let id = "2d2d2d2d-0000-0000-0000-00000000000a"
    let rows = try store.run(".add database db viewers ('aadapp=\(id);\(GuardedStore.tenant)') 'the dashboard'", as: admin)
    #expect(rows.contains { Array($0.prefix(6)) == ["Database db Viewer", "Microsoft Entra app", id, id, "aadapp=\(id);\(GuardedStore.tenant)", "the dashboard"] })
    #expect(try store.run(".add database db viewers ('aadapp=\(id.uppercased());\(GuardedStore.tenant)') skip-results", as: admin).isEmpty)
    #expect(try store.run(".show database db principals | where PrincipalFQN has 'aadapp' | count", as: admin) == [["1"]])
    let app = Principal(.application, objectId: "o", tenantId: GuardedStore.tenant, applicationId: id)
    #expect(store.outcome("T", as: app) == "ok")
    #expect(try store.run(".show database db principal roles | project Role", as: app) == [["Database db Viewer"]])
    try store.run(".drop database db viewers ('aadapp=\(id);\(GuardedStore.tenant)')", as: admin)
    #expect(store.outcome("T", as: app) == "PERMISSION")
    try store.run(".set database db viewers ('aaduser=only@contoso.com')", as: admin)
    #expect(store.outcome("T", as: GuardedStore.user("viewer")) == "PERMISSION")
    #expect(store.outcome("T", as: GuardedStore.user("only")) == "ok")
    #expect(try store.run(".show cluster principals | project Role, Notes", as: GuardedStore.root) == [["AllDatabasesAdmin", "by configuration"]])
    for wrong in [".add table T viewers ('aaduser=a@b.c')", ".add function F ingestors ('aaduser=a@b.c')", ".add database db databasecreators ('aaduser=a@b.c')"] {
      #expect(store.outcome(wrong, as: GuardedStore.root) == "USAGE")
    }
    for wrong in ["someone", "aaduser=", "aaduser=a@b.c;", "wizard=a@b.c", "aaduser=a\\r\\nb"] {
      #expect(store.outcome(".add database db viewers ('\(wrong)')", as: GuardedStore.root) == "VALUE_INVALID")
    }
  }

  /// Whether a command may be carried out is told without doing it.
  @Test func trialsOfCommands() throws {
    let store = try GuardedStore(Self.setup)
    let trial: [String: Scalar] = ["validatepermissions": .bool(true)]
    #expect(try store.run(".drop table T", as: Self.principal("admin"), options: trial) == [["OK"]])
    for who in ["viewer", "ingestor", "stranger"] {
      let error = #expect(throws: KConnectError.self, "\(who)") { try store.run(".drop table T", as: Self.principal(who), options: trial) }
      #expect(error?.code == .permission, "\(who)")
    }
    #expect(store.outcome("T | count", as: Self.principal("admin")) == "ok")
  }

  @Test func whoAsks() throws {
    let store = try GuardedStore(Self.setup)
    let viewer = GuardedStore.user("viewer", groups: ["readers", "9f0c"])
    #expect(try store.run("print current_principal()", as: viewer) == [["aaduser=oid-viewer;\(GuardedStore.tenant)"]])
    #expect(try store.run("print tostring(current_principal_details().UserPrincipalName), tostring(current_principal_details().Type)", as: viewer) == [["viewer@contoso.com", "AadUser"]])
    let members: [(String, Bool)] = [
      ("'aaduser=viewer@contoso.com'", true), ("'aaduser=VIEWER@contoso.com;contoso.com'", true), ("'aaduser=oid-viewer;\(GuardedStore.tenant)'", true),
      ("'aaduser=viewer@contoso.com;elsewhere.com'", false), ("'aadgroup=readers;contoso.com'", true), ("'aadgroup=9f0c'", true), ("'aadgroup=writers'", false),
      ("'aadapp=oid-viewer'", false), ("'aaduser=x@y.z', 'aadgroup=readers'", true), ("dynamic(['aaduser=x@y.z', 'aadgroup=readers'])", true), ("'nonsense'", false),
    ]
    for (arguments, isMember) in members {
      #expect(try store.run("print current_principal_is_member_of(\(arguments))", as: viewer) == [[isMember ? "true" : "false"]], "\(arguments)")
    }
  }

  // MARK: Row level security and restricted views

  static let secured = [
    ".create database db", ".create database other", ".create table Sales (who:string, amount:long)", ".ingest inline into table Sales <|\nann,1\nann,2\nbob,40",
    ".create function Seen(name:string) { table(name) | where strcat(who, '@contoso.com') == tostring(current_principal_details().UserPrincipalName) or current_principal_is_member_of('aadgroup=bosses') }",
    ".create function ByFunction() { Sales | summarize total = sum(amount) }",
    ".create materialized-view with (backfill=true) ByView on table Sales { Sales | summarize total = sum(amount) by who }",
    ".create table Copy (who:string, amount:long)", ".create table Source (x:long)", ".create table Derived (total:long)",
    ".create function Derive() { Source | extend k = 1 | summarize by k | extend total = toscalar(Sales | summarize sum(amount)) | project total }",
    ".alter table Derived policy update @'[{\"IsEnabled\":true,\"Source\":\"Source\",\"Query\":\"Derive()\",\"IsTransactional\":true,\"ManagedIdentity\":\"system\"}]'",
    ".alter table Sales policy row_level_security enable \"Seen('Sales')\"",
    ".add database db users ('aaduser=ann@contoso.com')", ".add database db viewers ('aaduser=bob@contoso.com')", ".add database db admins ('aaduser=admin@contoso.com')",
    ".add database other users ('aaduser=ann@contoso.com')", ".add database db ingestors ('aaduser=feeder@contoso.com')", ".add table Source ingestors ('aaduser=ann@contoso.com')",
    ".add database other viewers ('aaduser=bob@contoso.com')",
  ]

  struct Reading: Sendable, CustomTestStringConvertible {
    let text: String
    /// What ann (1 + 2), bob (40), a boss (43) and the admin (nothing) see.
    let seen: [String: String]
    var database = "db"
    var testDescription: String { text }
  }

  private static func sums(_ text: String, empty: String = "0", database: String = "db") -> Reading {
    Reading(text: text, seen: ["ann": "3", "bob": "40", "boss": "43", "admin": empty], database: database)
  }

  static let readings: [Reading] = [
    sums("Sales | summarize sum(amount)"), sums("ByFunction()"), sums("table('Sales') | summarize sum(amount)"), sums("database('db').Sales | summarize sum(amount)"),
    sums("database('db').Sales | summarize sum(amount)", database: "other"), sums("cluster('local').database('db').Sales | summarize sum(amount)"),
    sums("ByView | summarize sum(total)"), sums("materialized_view('ByView') | summarize sum(total)"), sums("let Sales2 = Sales; Sales2 | summarize sum(amount)"),
    sums("union Sales, (Sales | take 0) | summarize sum(amount)"), sums("union withsource=t Sal* | summarize sum(amount)"),
    sums("print x = toscalar(Sales | summarize sum(amount))"), sums("let m = materialize(Sales); m | summarize sum(amount)"),
    sums("Sales | as S | summarize sum(amount)"), sums("Sales | where ingestion_time() > ago(1h) | summarize sum(amount)"), sums("Sales | where cursor_after('') | summarize sum(amount)"),
    sums("Sales | where isnotnull(extent_id()) | summarize sum(amount)"), sums("Sales | join kind=inner (Sales | distinct who) on who | summarize sum(amount)"),
    sums("Sales | where true or amount > 0 | summarize sum(amount)"), sums("let current_principal_details = () { dynamic({'UserPrincipalName':'bob@contoso.com'}) }; Sales | summarize sum(amount)"),
    sums("let Seen = (name:string) { table(name) }; Sales | summarize sum(amount)"), sums("declare query_parameters(name:string = 'x'); Sales | summarize sum(amount)"),
    sums("search in (Sales) * | summarize sum(amount)"), sums("find in (Sales) where amount > 0 | summarize sum(amount)"), sums("Sales | partition by who ( summarize s = sum(amount) ) | summarize sum(s)"),
    // Errors must not tell of hidden rows: bob's 40 would raise them.
    sums("Sales | where assert(amount < 30 or current_principal_is_member_of('aadgroup=bosses') or current_principal() has 'bob', 'leak') | summarize sum(amount)"),
    sums(".show version | project x = toscalar(Sales | summarize sum(amount))"),
  ]

  @Test(arguments: readings) func rowLevelSecurity(_ reading: Reading) throws {
    let store = try GuardedStore(Self.secured)
    // The admin belongs to the other database too, so that it may name it.
    try store.owner(".add database other users ('aaduser=admin@contoso.com', 'aadgroup=bosses')")
    try store.owner(".add database db viewers ('aadgroup=bosses')")
    for (who, wanted) in reading.seen {
      let principal = who == "boss" ? GuardedStore.user("boss", groups: ["bosses"]) : GuardedStore.user(who)
      let found = try store.run(reading.text, as: principal, database: reading.database)
      #expect(found.first?.first == wanted || (wanted == "0" && (found.first?.first ?? "").isEmpty), "\(who): \(found)")
    }
  }

  /// What raises an error on a hidden row would tell that it is there.
  @Test(arguments: [
    "Sales | where assert(who != 'bob', 'leak') | summarize sum(amount)", "Sales | extend x = repeat(1, amount * 100000) | where isnotnull(x) | summarize sum(amount)",
    "Sales | where array_length(repeat(1, amount * 100000)) > 0 | summarize sum(amount)", "Sales | join kind=inner (Sales | where assert(who != 'bob', 'leak')) on who, amount | summarize sum(amount)",
    "ByView | where assert(who != 'bob', 'leak') | summarize sum(total)", "Sales | top 5 by iff(assert(who != 'bob', 'leak'), amount, 0) | summarize sum(amount)",
    "union (Sales | where assert(amount < 30, 'leak')), (Sales | take 0) | summarize sum(amount)",
  ]) func errorsTellNothing(_ text: String) throws {
    let store = try GuardedStore(Self.secured)
    #expect(try store.run(text, as: GuardedStore.user("ann")) == [["3"]])
    #expect(store.outcome(text, as: GuardedStore.user("bob")) != "ok")
  }

  @Test func rowLevelSecurityHoldsForWhatIsWritten() throws {
    let store = try GuardedStore(Self.secured)
    let ann = GuardedStore.user("ann")
    try store.run(".set Taken <| Sales", as: ann)
    #expect(try store.owner("Taken | summarize sum(amount)") == [["3"]])
    try store.run(".set-or-append Taken <| database('db').Sales", as: ann)
    #expect(try store.owner("Taken | summarize sum(amount)") == [["6"]])
    let directory = store.path + "-export"
    defer { _ = FileSystem.system.removeTree(directory) }
    try store.run(".export to csv (@'\(directory)') <| Sales", as: ann)
    try store.owner(".create external table E (who:string, amount:long) kind=storage dataformat=csv (@'\(directory)')")
    #expect(try store.owner("external_table('E') | summarize sum(amount)") == [["3"]])
    // An update policy reads with the eyes of whoever ingests; an ingestor needs no right to read for it.
    try store.run(".ingest inline into table Source <| 1", as: ann)
    try store.run(".ingest inline into table Source <| 1", as: GuardedStore.user("feeder"))
    #expect(try store.owner("Derived | summarize s = sum(total), n = count()").first?[0] == "3")
  }

  /// A table of one's own must not gather, by a policy that runs for whoever ingests, what its maker may not see.
  @Test func updatePoliciesShowNoHiddenRows() throws {
    let store = try GuardedStore(Self.secured + [
      ".create table Taken (who:string, amount:long)", ".create table Open (who:string, amount:long)", ".add table Taken admins ('aaduser=ann@contoso.com')",
      ".create table Secret (who:string, amount:long)", ".alter table Secret policy restricted_view_access true",
    ])
    let ann = GuardedStore.user("ann")
    let admin = GuardedStore.user("admin")
    func policy(_ source: String, _ query: String, _ more: String = "") -> String {
      ".alter table Taken policy update @'[{\"IsEnabled\":true,\"Source\":\"\(source)\",\"Query\":\"\(query)\",\"IsTransactional\":true\(more)}]'"
    }
    let identity = ",\"ManagedIdentity\":\"system\""
    try store.run(".create function Mine() { Open }", as: ann)
    try store.run(".create table Elsewhere (who:string, amount:long)", as: ann, database: "other")
    for (source, query) in [("Sales", "Sales"), ("Open", "Open | union Sales"), ("Secret", "Secret"), ("Open", "union Open, database(''other'').Elsewhere")] {
      #expect(store.outcome(policy(source, query), as: ann) == "PERMISSION", "\(source): \(query)")
      #expect(store.outcome(policy(source, query, identity), as: ann) == "PERMISSION", "\(source): \(query), with an identity")
    }
    #expect(store.outcome(policy("Sales", "Sales"), as: admin) == "PERMISSION")
    #expect(store.outcome(policy("Sales", "Sales", identity), as: ann) == "PERMISSION")
    // A function that is changed later is found out when it runs.
    #expect(store.outcome(policy("Open", "Mine()"), as: ann) == "ok")
    #expect(store.outcome(".ingest inline into table Open <| x,1", as: admin) == "ok")
    try store.run(".create-or-alter function Mine() { Open | union Sales }", as: ann)
    #expect(store.outcome(".ingest inline into table Open <| x,2", as: admin) != "ok")
    #expect(try store.owner("Taken | summarize sum(amount)") == [["1"]])
    try store.run(".create-or-alter function Mine() { Open }", as: ann)
    // Nor are rows hidden behind the back of a policy that passes them on.
    #expect(store.outcome(".alter table Open policy row_level_security enable \"Open | where who == 'x'\"", as: admin) == "PERMISSION")
    #expect(store.outcome(".alter table Open policy restricted_view_access true", as: admin) == "PERMISSION")
    #expect(store.outcome(policy("Open", "Mine()", identity), as: admin) == "ok")
    #expect(store.outcome(".alter table Open policy row_level_security enable \"Open | where who == 'x'\"", as: admin) == "ok")
    #expect(store.outcome(".ingest inline into table Open <| y,40", as: admin) == "ok")
    #expect(try store.owner("Taken | summarize sum(amount)") == [["41"]])
  }

  @Test func namesOfTheCallersDatabaseMeanNothingInThePolicy() throws {
    let store = try GuardedStore(Self.secured)
    let ann = GuardedStore.user("ann")
    // A function and a table of ann's own, with the names that the policy of the other database uses.
    try store.run(".create function Seen(name:string) { table(name) }", as: ann, database: "other")
    try store.run(".create table Sales (who:string, amount:long)", as: ann, database: "other")
    #expect(try store.run("database('db').Sales | summarize sum(amount)", as: ann, database: "other") == [["3"]])
    try store.run(".create function Peek() { database('db').Sales }", as: ann, database: "other")
    #expect(try store.run("Peek() | summarize sum(amount)", as: ann, database: "other") == [["3"]])
  }

  @Test func restrictedViews() throws {
    let store = try GuardedStore(Self.setup + [".alter table T policy restricted_view_access true", ".add database db admins ('aaduser=chief@contoso.com')", ".add database db unrestrictedviewers ('aaduser=chief@contoso.com')"])
    for who in ["admin", "user", "viewer"] {
      for text in ["T | count", "F() | count", "V | count", "database('db').T | count", ".set Stolen <| T", "print toscalar(T | count)", ".export to csv ('/tmp/kconnect-no-such-place/x') <| T"] {
        #expect(store.outcome(text, as: GuardedStore.user(who)) == "PERMISSION", "\(who): \(text)")
      }
      #expect(store.outcome("Mine | count", as: GuardedStore.user(who)) == "ok")
    }
    #expect(try store.run("T | count", as: GuardedStore.user("chief")) == [["3"]])
    // Metadata stays visible, also that of a view over the table.
    #expect(store.outcome(".show database schema as json", as: GuardedStore.user("viewer")) == "ok")
    // A table has one of the two policies.
    #expect(store.outcome(".alter table T policy row_level_security enable 'T'", as: GuardedStore.user("admin")) == "USAGE")
  }

  @Test func viewsHaveRowLevelSecurityOfTheirOwn() throws {
    let store = try GuardedStore(Self.setup)
    try store.run(".alter materialized-view V policy row_level_security enable \"V | where b == 'x'\"", as: GuardedStore.user("admin"))
    #expect(try store.run("V | project b", as: GuardedStore.user("viewer")) == [["x"]])
    #expect(try store.run("materialized_view('V') | project b", as: GuardedStore.user("viewer")) == [["x"]])
    #expect(store.outcome(".alter materialized-view V policy row_level_security enable 'V | project b'", as: GuardedStore.user("admin")) == "SCHEMA_MISMATCH")
  }

  /// Without access control everything is as it was: the user of the process may do everything.
  @Test func offMeansOff() throws {
    let store = try GuardedStore(Self.setup)
    #expect(try store.owner("T | count") == [["3"]])
    #expect(try store.owner("print current_principal_is_member_of(current_principal())") == [["true"]])
    try store.owner(".drop table T")
  }
}
