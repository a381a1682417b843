"""API keys of the gateway: created and revoked in the database, checked in memory."""

from segue.keys.key import Key, Scope, parse_scopes
from segue.keys.ring import KeyRing
from segue.keys.store import create_key, list_keys, revoke_key

__all__ = ["Key", "KeyRing", "Scope", "create_key", "list_keys", "parse_scopes", "revoke_key"]
