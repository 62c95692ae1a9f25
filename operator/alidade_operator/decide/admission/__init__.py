"""Places in a queue: who has one, who is next, and who gives one back."""
