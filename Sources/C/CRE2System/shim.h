// Links libre2; the C++ headers are used by CRE2 only.
