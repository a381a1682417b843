"""Short-lived tokens that are issued for a key's secret, and that any gateway can verify.

A token is a JWT signed with an Ed25519 key derived from the secret. The database has only the public key, so
neither secrets nor tokens can be derived from the database or a backup.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["is_signed", "named_key", "public_key", "sign_token"]

_ALGORITHM = "EdDSA"
_ISSUER = "segue"
# Domain separation: the secret is also hashed for authentication.
_CONTEXT = b"segue token signing key, version 1"


def _signing_key(secret: str) -> Ed25519PrivateKey:
    seed = hmac.digest(secret.encode(), _CONTEXT, hashlib.sha256)
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key(secret: str) -> bytes:
    """Derive the public key that verifies the tokens of a secret: 32 bytes."""
    return _signing_key(secret).public_key().public_bytes_raw()


def sign_token(key_id: str, secret: str, *, now: datetime, seconds: int) -> str:
    """Sign a token of a key with a lifetime of `seconds`."""
    claims = {"iss": _ISSUER, "sub": key_id, "iat": now, "exp": now + timedelta(seconds=seconds)}
    return jwt.encode(claims, _signing_key(secret), algorithm=_ALGORITHM, headers={"kid": key_id})


def named_key(token: str) -> str | None:
    """Key id that a token claims, unverified; None if it is not a token."""
    try:
        name = jwt.get_unverified_header(token).get("kid")
    except jwt.InvalidTokenError:
        return None
    return name if isinstance(name, str) else None


def is_signed(token: str, key_id: str, public: bytes) -> bool:
    """Whether a token is signed by that key, and not expired."""
    try:
        jwt.decode(
            token,
            Ed25519PublicKey.from_public_bytes(public),
            algorithms=[_ALGORITHM],  # never the algorithm of the token's header
            issuer=_ISSUER,
            subject=key_id,
            options={"require": ["iss", "sub", "iat", "exp"]},
        )
    except jwt.InvalidTokenError:
        return False
    return True
