"""Runs the processes of the service together on one machine."""
