"""What an API server makes of an object before it stores it, and for what it refuses it."""
