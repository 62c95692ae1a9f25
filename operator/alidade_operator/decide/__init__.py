"""Decisions, and nothing but: no I/O, no clock, no event loop, no client."""
