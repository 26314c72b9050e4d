"""Makes the row of a models table from an MLflow model directory with an ONNX flavour.

    publish.py MODEL_DIRECTORY NAME ROW.parquet

The row has the columns that predict_onnx_fl wants: name, timestamp, model (the ONNX file as hexadecimal text).
"""

import datetime
import pathlib
import sys

import pyarrow
import pyarrow.parquet


def onnx_file(directory):
    """The file that the ONNX flavour of an MLmodel file names: `data`, below `flavors: onnx:`."""
    path = []
    for line in (directory / "MLmodel").read_text().splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        depth = len(line) - len(line.lstrip())
        key, _, value = line.strip().partition(":")
        path = [step for step in path if step[0] < depth] + [(depth, key)]
        if [name for _, name in path] == ["flavors", "onnx", "data"]:
            return directory / value.strip().strip("'\"")
    sys.exit(f"{directory / 'MLmodel'} has no ONNX flavour")


directory, name, target = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
now = datetime.datetime.now(datetime.timezone.utc)
table = pyarrow.table({"name": [name], "timestamp": [now], "model": [onnx_file(directory).read_bytes().hex()]})
pyarrow.parquet.write_table(table, target)
