"""What operator, worker and client share; it needs pydantic, and nothing heavier."""
