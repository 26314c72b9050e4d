"""The same as train.py with Spark's logistic regression: trains on a Parquet file and writes an MLflow model directory with an ONNX file.

    train_spark.py TRAINING.parquet MODEL_DIRECTORY

Needs a Java runtime and the packages of requirements-spark.txt. Ten iterations, nothing else is set, as in the published run. That had 12,271 of
12,417 test rows right; Spark 3.5 has 12,159, and 12,104 where it may go on until it is done.
"""

import pathlib
import sys

import onnx
import onnxruntime
from onnxmltools import convert_sparkml
from onnxmltools.convert.common.data_types import FloatTensorType
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import SparkSession

source, target = sys.argv[1], pathlib.Path(sys.argv[2])
spark = SparkSession.builder.appName("occupancy").master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
rows = spark.read.parquet(source)
features, label = rows.columns[:-1], rows.columns[-1]

vectors = VectorAssembler(inputCols=features, outputCol="Features").transform(rows.withColumn("Label", rows[label].cast("int")))
regression = LogisticRegression(featuresCol="Features", labelCol="Label", maxIter=10).fit(vectors)
model = convert_sparkml(regression, "occupancy", [("Features", FloatTensorType([None, len(features)]))], spark_session=spark)

target.mkdir(parents=True, exist_ok=True)
(target / "model.onnx").write_bytes(model.SerializeToString())
(target / "MLmodel").write_text(f"flavors:\n  onnx:\n    data: model.onnx\n    onnx_version: {onnx.__version__}\n")
onnxruntime.InferenceSession(str(target / "model.onnx"))  # it loads
print(f"trained on {rows.count()} rows: {', '.join(features)} -> {label}", file=sys.stderr)
spark.stop()
