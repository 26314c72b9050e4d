// Which sampled columns are marked as dates.

import CSV
import Columnar
import Testing

@Suite struct DateInferenceTests {
  @Test(arguments: [
    ("d\n2020-01-01\n2020-12-31\n", true, StorageHint?.some(.date)),
    ("d\n2020-01-01\n\n2020-12-31\n", true, .some(.date)),
    ("d\n2020-01-01\n2020-12-31T00:00:00\n", true, nil),
    ("d\n2020-01-01\n", false, nil),
    ("d\n12\n", true, nil),
  ]) func datesAreMarked(_ text: String, _ infersDates: Bool, _ expected: StorageHint?) throws {
    var options = InferenceOptions()
    options.infersDates = infersDates
    let inference = SchemaInference(CSVDialect(), CSVWords(), CSVDateFormats(), options)
    let schema = try inference.infer(Array(text.utf8), isWhole: true, declared: nil).schema
    #expect(schema[0].hint == expected)
    #expect(schema[0].type == (text.contains("-") ? .datetime : .long))
  }
}
