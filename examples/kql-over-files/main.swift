// KQL over files: the same language as `kconnect query`, with DataFrames as tables.
import KConnect

let spark = try await Session.builder.appName("kql-over-files").getOrCreate()
let storms = try await spark.read.csv("storms.csv")
let states = try await spark.read.csv("states.csv")
print("storms: \(storms.schema)")

let perPerson = try spark.kql(
  """
  storms
  | summarize events = count(), damage = sum(damage) by state
  | join kind=leftouter (states) on state
  | extend perMillion = round(damage * 1000000.0 / people, 1)
  | project state, capital, events, damage, perMillion
  | order by damage desc, state asc
  """, tables: ["storms": storms, "states": states])
try await perPerson.show()

// Mistakes are found before anything runs, with their place.
do {
  _ = try spark.kql("storms | where stat == 'TEXAS'", tables: ["storms": storms])
} catch {
  print(error.code, "-", error.hint ?? "")
}
