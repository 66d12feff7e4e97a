"""Cards with a command line: clean text, one session, parsing by profile, reading and changing."""
