"""A plain Debian guest under QEMU (TCG) for stories that need a kernel of their own: real md, hot-plug, SMART."""
