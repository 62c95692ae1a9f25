"""While the pods of a job run, or are to: what they do, and what becomes of them."""
