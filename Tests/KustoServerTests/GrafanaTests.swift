// Role: the requests that Grafana's Azure Data Explorer data source sends, made from the files of examples/grafana, and what it needs of the
// answers: the first table with known column types, and rows that are arrays.
// Source: grafana/azure-data-explorer-datasource, pkg/azuredx (client, models) and src/datasource.ts.

import Columnar
import Foundation
import KustoServer
import KustoStore
import Testing

@Suite struct GrafanaTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../examples/grafana").path

  /// A server with the README's table, at a fixed time.
  private static func server() throws -> TestService {
    let server = try TestService()
    #expect(server.command(".create database telemetry").status == 200)
    for text in [
      ".create table metrics (timestamp:datetime, sensor:string, metric:string, value:real)",
      ".create function Rooms() { metrics | distinct sensor }",
      """
      .set-or-append metrics <| range i from 0 to 719 step 1 | extend timestamp = datetime(2024-06-01) + i * 30s
        | project timestamp, sensor = strcat("room-", i % 3), metric = iff(i % 2 == 0, "temperature", "humidity"), value = 20 + sin(i / 20.0)
      """,
      ".create table events (at:datetime, details:dynamic)",
      ".ingest inline into table events <| 2024-06-01T00:00:00Z,\"{\"\"a\"\":1}\"",
    ] {
      let reply = server.ask(text, "/v1/rest/mgmt", database: "telemetry")
      #expect(reply.status == 200, "\(reply.text)")
    }
    return server
  }

  private func post(_ server: TestService, _ path: String, _ text: String, database: String, source: String) -> CollectedReply {
    // As Go's encoder writes the plugin's structures.
    let options = DynamicValue.bag([
      DynamicEntry("queryconsistency", .string("strongconsistency")), DynamicEntry("servertimeout", .string("00:01:00")),
    ])
    let body = DynamicValue.bag([
      DynamicEntry("db", .string(database)), DynamicEntry("csl", .string(text)), DynamicEntry("querySource", .string(source)),
      DynamicEntry("properties", .bag([DynamicEntry("options", options)])),
    ])
    let headers = [
      ("Accept", "application/json"), ("Content-Type", "application/json"), ("x-ms-app", "Grafana-ADX"),
      ("x-ms-client-request-id", "KGC.\(source);1f2e3d"), ("Authorization", "Bearer token-of-no-use-here"),
    ]
    return server.send("POST", path, headers: headers, Array(body.json.utf8))
  }

  /// The first table, as the plugin takes it.
  private func table(_ reply: CollectedReply) throws -> (columns: [(name: String, type: String)], rows: [[DynamicValue]]) {
    #expect(reply.status == 200, "\(reply.text.prefix(400))")
    let first = try #require(DynamicValue(json: reply.text)?["Tables"]?.elements?.first)
    let known: Set<String> = ["string", "guid", "timespan", "dynamic", "datetime", "int", "long", "real", "bool", "decimal"]
    let columns = try #require(first["Columns"]?.elements).map { ($0["ColumnName"]?.stringValue ?? "", $0["ColumnType"]?.stringValue ?? "") }
    #expect(columns.allSatisfy { known.contains($0.1) && !$0.0.isEmpty })
    let rows = try #require(first["Rows"]?.elements).map { try #require($0.elements) }
    #expect(rows.allSatisfy { $0.count == columns.count })
    return (columns, rows)
  }

  /// What the plugin's backend makes of a query's text, for the range of the test's data; variables as Grafana writes several values.
  private func interpolated(_ query: String) -> String {
    let from = "2024-06-01T00:00:00Z", to = "2024-06-01T06:00:00Z"
    return query.replacingOccurrences(of: "$sensor", with: "'room-0','room-1','room-2'")
      .replacingOccurrences(of: "$__timeFilter(timestamp)", with: "timestamp >= datetime(\(from)) and timestamp <= datetime(\(to))")
      .replacingOccurrences(of: "$__timeFrom", with: "datetime(\(from))").replacingOccurrences(of: "$__timeTo", with: "datetime(\(to))")
      .replacingOccurrences(of: "$__timeInterval", with: "60000ms")
  }

  @Test func dashboard() throws {
    let server = try Self.server()
    let json = try #require(DynamicValue(json: try String(contentsOfFile: Self.folder + "/dashboards/telemetry.json", encoding: .utf8)))
    var targets = try #require(json["panels"]?.elements).flatMap { $0["targets"]?.elements ?? [] }
    targets += (json["templating"]?["list"]?.elements ?? []).compactMap { $0["query"] }
    #expect(targets.count == 6)
    for target in targets {
      let query = try #require(target["query"]?.stringValue), format = target["resultFormat"]?.stringValue
      #expect(target["queryType"]?.stringValue == "KQL" && target["datasource"]?["type"]?.stringValue == "grafana-azure-data-explorer-datasource")
      let text = interpolated(query)
      #expect(!text.contains("$"), "\(text)")
      let (columns, rows) = try table(post(server, "/v1/rest/query", text, database: target["database"]?.stringValue ?? "", source: "raw"))
      #expect(!rows.isEmpty, "\(text)")
      switch format {
      case "time_series"?:
        #expect(columns.contains { $0.type == "datetime" } && columns.contains { ["long", "int", "real"].contains($0.type) })
        // Times as RFC 3339.
        let time = try #require(columns.firstIndex { $0.type == "datetime" })
        #expect(rows.allSatisfy { $0[time].stringValue.map { $0.hasSuffix("Z") && $0.contains("T") } ?? false })
      case "time_series_adx_series"?:
        #expect(columns[0].type == "dynamic" && rows.allSatisfy { $0[0].elements?.count == $0[2].elements?.count && $0[0].elements?.count == 360 })
      default: break
      }
    }
  }

  @Test func schemas() throws {
    let server = try Self.server()
    #expect(post(server, "/v1/rest/query", ".show databases schema", database: "telemetry", source: "").status == 200)
    let databases = try table(post(server, "/v1/rest/mgmt", ".show databases", database: "", source: ""))
    #expect(databases.columns.first?.name == "DatabaseName" && databases.rows.contains { $0[0].stringValue == "telemetry" })
    for text in [".show databases schema as json", ".show databases (['telemetry']) schema as json"] {
      let (_, rows) = try table(post(server, "/v1/rest/mgmt", text, database: "", source: "schema"))
      let schema = try #require(rows.first?.first?.stringValue.flatMap { DynamicValue(json: $0) })
      let database = try #require(schema["Databases"]?["telemetry"])
      #expect(database["Name"]?.stringValue == "telemetry")
      #expect(database["Tables"]?["metrics"]?["OrderedColumns"]?.elements?.map { $0["CslType"]?.stringValue } == ["datetime", "string", "string", "real"])
      #expect(database["Functions"]?["Rooms"]?["InputParameters"]?.elements?.isEmpty == true && database["Functions"]?["Rooms"]?["OutputColumns"]?.elements != nil)
      #expect(database["MaterializedViews"] != nil && database["ExternalTables"] != nil)
    }
  }

  /// What the visual editor asks: the columns of a function, the shape of dynamic columns, values to choose from.
  @Test func editor() throws {
    let server = try Self.server()
    let columns = try table(post(server, "/v1/rest/query", "Rooms\n | take 50000\n | getschema", database: "telemetry", source: "schema"))
    #expect(columns.columns.map(\.name) == ["ColumnName", "ColumnOrdinal", "DataType", "ColumnType"])
    let shape = try table(
      post(server, "/v1/rest/query", "events\n | take 50000\n | where isnotnull(details)\n | project details\n | summarize buildschema(details)", database: "telemetry", source: "schema"))
    #expect(shape.columns.map(\.type) == ["dynamic"] && shape.rows.count == 1)
    let values = try table(
      post(server, "/v1/rest/query", "metrics\n| where sensor contains \"room\"\n| take 50000\n| distinct sensor\n| take 251", database: "telemetry", source: "autocomplete"))
    #expect(values.rows.count == 3)
  }

  /// The plugin shows `message`, `@type` and `@message`.
  @Test func errors() throws {
    let server = try Self.server()
    let reply = post(server, "/v1/rest/query", "metrics | where nope == 1", database: "telemetry", source: "raw")
    let error = try #require(DynamicValue(json: reply.text)?["error"])
    #expect(reply.status == 400 && error["message"]?.stringValue != nil && error["@type"]?.stringValue != nil)
    #expect(error["@message"]?.stringValue?.contains("'nope'") == true)
  }

  /// The provisioned data source names the plugin, the dashboard its uid.
  @Test func provisioning() throws {
    let text = try String(contentsOfFile: Self.folder + "/provisioning/datasources/kconnect.yaml", encoding: .utf8)
    #expect(text.contains("type: grafana-azure-data-explorer-datasource") && text.contains("uid: kconnect\n") && text.contains("clusterUrl: $KCONNECT_URL"))
    let dashboard = try String(contentsOfFile: Self.folder + "/dashboards/telemetry.json", encoding: .utf8)
    #expect(dashboard.contains(#""uid": "kconnect""#))
  }
}
