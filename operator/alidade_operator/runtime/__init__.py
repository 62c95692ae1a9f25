"""From events to decisions to actions: cache, work queue, reconcilers."""
