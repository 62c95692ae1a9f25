"""Rows of the table, each a module that measures one thing beside its baseline."""
