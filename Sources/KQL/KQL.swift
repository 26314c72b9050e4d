// Module KQL.
