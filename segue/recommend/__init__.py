"""How a recommendation is made: seeds → query → retrieve → rerank → blend and finish → explain."""
