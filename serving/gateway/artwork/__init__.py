"""Covers: the catalogue's, else one looked up at Spotify in the background, else a drawn one."""
