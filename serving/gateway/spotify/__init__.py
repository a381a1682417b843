"""The API shaped like Spotify's: clients written for it work with another base URL."""
