// Role: the types of inner modules that occur in public signatures come with `import KConnect`:
// schemas and values (Columnar), expressions (Expressions), options, save modes and the error (DataSource), triggers and progress (Streaming).

@_exported public import Columnar
@_exported public import DataSource
@_exported public import Expressions
@_exported public import Streaming
