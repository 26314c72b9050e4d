// Module FileConnector.
