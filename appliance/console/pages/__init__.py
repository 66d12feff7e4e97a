"""One file a subject; each function is an entry of the menu and a subcommand."""
