// Times so old that the calendar they were written by matters. Writers of the Hadoop world counted days by the Julian calendar before 1582 and
// by local mean time before 1900; files do not always say so.
import Columnar

/// A conversion to datetimes that refuses what lies before a bound.
struct AncientCheck<Base: FixedConversion>: FixedConversion where Base.Output == Int64 {
  /// What is stored.
  enum Kind {
    case dates, timestamps, int96

    /// The first ticks that every calendar agrees on: 1582-10-15 for dates, 1900-01-01 for times.
    var firstTicks: Int64 { (self == .dates ? -141_427 : -25_567) * CivilTime.ticksPerDay }
  }

  private let base: Base
  private let kind: Kind

  init(_ base: Base, _ kind: Kind) {
    self.base = base
    self.kind = kind
  }

  func convert(_ raw: UnsafeRawPointer, _ count: Int, _ out: UnsafeMutablePointer<Int64>) throws(ParquetError) {
    try unsafe base.convert(raw, count, out)
    let first = kind.firstTicks
    for i in 0..<count where unsafe out[i] < first {
      let text = unsafe ScalarText.text { unsafe ScalarText.write(datetime: out[i], to: $0) }
      let option = kind == .int96 ? "int96RebaseMode" : "datetimeRebaseMode"
      throw ParquetError(
        .inexact, "found \(text), which the writer may have stored by another calendar (option \(option)=EXCEPTION)",
        hint: "\(option)=CORRECTED takes such values as they are")
    }
  }

  func vector(_ values: Buffer<Int64>, validity: Bitmap?) -> ColumnVector { base.vector(values, validity: validity) }
}
