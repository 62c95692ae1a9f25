"""A workflow's source, or a dataset: fetched, checked and unpacked, or refused in one sentence."""
