"""Backups: one sealed file that holds a whole box but its recordings, and the way back.

`archive` is the file's format, `content` what goes in, `keys` the passphrase, `restore` puts one in place, `trial`
restores one for a test, `shelf` knows the files that are there, `copies` takes them and recordings elsewhere, `service`
answers commands and does the jobs.
"""
