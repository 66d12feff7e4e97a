"""Callbox: the control software of a 30-seat call-centre box. The rooms are described in docs/architecture.md."""
