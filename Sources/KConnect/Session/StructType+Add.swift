// Role: schemas built field by field, as in Spark.

public import Columnar

extension StructType {
  /// The schema with one more field: `StructType().add("colA", .string).add("colB", .int)`.
  public func add(_ name: String, _ type: DataType, nullable: Bool = true) -> StructType {
    StructType(fields + [StructField(name, type, nullable: nullable)])
  }
}
