"""The log: which lists were shown, and what listeners did with them."""
