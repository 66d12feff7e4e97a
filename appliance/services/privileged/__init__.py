"""The named, argument-checked actions of `privd` (root): what may be done as root is data, see actions.toml."""
