// Role: the flags of writes by key; they become options of the target.

import ArgumentParser
import DataSource
import KConnect

struct UpsertFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Columns that tell rows apart: rows of the target with equal values are replaced, of equal rows of one write the last counts. Needs a kusto or delta target.", valueName: "a,b"))
  var key: String?
  @Option(help: ArgumentHelp("With --key: rows older than this, such as '30 days', are removed with the next write.", valueName: "duration"))
  var ttl: String?
  @Option(help: ArgumentHelp("The datetime column that --ttl goes by; a kusto target goes by the ingestion time without it.", valueName: "column"))
  var ttlColumn: String?

  func validate() throws {
    if key == nil, ttl != nil || ttlColumn != nil { throw ValidationError("--ttl and --ttl-column need --key") }
  }

  var selection: UpsertSelection { UpsertSelection(key: key, ttl: ttl, ttlColumn: ttlColumn) }
}
