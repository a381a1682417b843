"""The processes of the service on one machine, started and stopped as one."""
