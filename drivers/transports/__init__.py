"""Byte streams: serial ports and sockets, taken by one owner at a time."""
