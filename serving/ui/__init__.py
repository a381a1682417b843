"""The web page: what a listener sees, what an operator watches. It talks to the gateway alone."""
