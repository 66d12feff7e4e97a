"""The device's image under QEMU (TCG): booted by its own boot loader or directly, dialling a bench outside of it."""
