"""A plugin of the first kind: a package beside the MLproject, which is imported as it is."""
