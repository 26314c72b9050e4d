// Module Columnar.
