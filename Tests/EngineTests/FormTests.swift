// Role: filters give the same rows whatever form the vectors have.

import Columnar
import DataSource
import Engine
import Expressions
import Testing

@Suite struct FormTests {
  @Test(arguments: 0..<60) func formsDoNotMatter(_ seed: Int) throws {
    var random = TestRandom(seed + 9_000)
    for batch in TestData.batches(&random, rows: 100, batchRows: 40, domain: 15) {
      let flat = RecordBatch(schema: batch.schema, columns: batch.columns.map(\.flattened), rowCount: batch.rowCount)
      #expect(rowsOf(batch).map(rowText) == rowsOf(flat).map(rowText))
      let predicate = PlanTests.predicate(&random, batch.schema)
      let compiled = try CompiledExpr(predicate, schema: batch.schema, context: testContext)
      let a = try compiled.select(batch), b = try compiled.select(flat)
      let c = try (0..<batch.rowCount).map { try compiled.select(batch.slice($0..<$0 + 1))[0] }
      #expect((0..<a.count).map { a[$0] } == c, "\(predicate)")
      #expect((0..<b.count).map { b[$0] } == c, "\(predicate)")
    }
  }
}
