"""Networks of others that a data set's targets come from. What they say is agreement, not truth."""
