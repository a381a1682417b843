"""The routes of the gateway, one file a part of its API."""
