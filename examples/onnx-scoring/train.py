"""Trains a logistic regression on a Parquet file and writes it as an MLflow model directory: MLmodel and model.onnx.

    train.py TRAINING.parquet MODEL_DIRECTORY

The columns but the last are features, the last one is the label. Nothing is tuned: it is the regression as scikit-learn makes it.
"""

import pathlib
import sys

import onnx
import onnxruntime
import pandas
import skl2onnx
from sklearn.linear_model import LogisticRegression

source, target = sys.argv[1], pathlib.Path(sys.argv[2])
rows = pandas.read_parquet(source)
features, label = list(rows.columns[:-1]), rows.columns[-1]
regression = LogisticRegression().fit(rows[features].to_numpy(), rows[label].astype(int))

inputs = [("features", skl2onnx.common.data_types.FloatTensorType([None, len(features)]))]
model = skl2onnx.convert_sklearn(regression, initial_types=inputs, options={"zipmap": False}, target_opset=15)

target.mkdir(parents=True, exist_ok=True)
(target / "model.onnx").write_bytes(model.SerializeToString())
(target / "MLmodel").write_text(
    "flavors:\n"
    "  onnx:\n"
    "    data: model.onnx\n"
    f"    onnx_version: {onnx.__version__}\n"
    "  python_function:\n"
    "    data: model.onnx\n"
    "    loader_module: mlflow.onnx\n"
)
onnxruntime.InferenceSession(str(target / "model.onnx"))  # it loads
print(f"trained on {len(rows)} rows: {', '.join(features)} -> {label}", file=sys.stderr)
