"""The documentation's blocks of code, as tests.

`pages` finds them and says where each is run, or why it is not; `session` runs those of one page in
their order; `output` compares what they print with what the page says; `snippets` makes whole
resources of pieces of YAML.
"""
