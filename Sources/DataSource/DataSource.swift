// Module DataSource.
