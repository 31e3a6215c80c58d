"""The live feed: follows the store and tells browsers what changed, over server-sent events."""
