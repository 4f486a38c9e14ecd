"""Draws Grafana's dashboards without Grafana, from their own files and a running Prometheus."""
