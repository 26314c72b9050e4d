// Module CSV.
