"""From events to decisions to actions: work queue, reconcilers, and what keeps them going."""
