"""Recommendation: seeds → query → retrieve → rerank → blend and finish → explain."""
