"""Bytes to values and back: pure codecs that know no sockets, no clock and no decisions."""
