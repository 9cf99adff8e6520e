"""`theano.version`: the version of Theano whose names these are."""

version = "1.0.5+symgraph"
FULL_VERSION = version
short_version = "1.0.5"
