"""The Grafana dashboards, as code: `make dashboards` writes dashboards/*.json."""
