"""What Prometheus and Grafana make of the metrics: rules, alerts and the dashboard."""
