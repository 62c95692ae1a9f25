"""Keys to be worked on: one worker a key, turns for namespaces, and walls between faults."""
