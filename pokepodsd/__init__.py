"""pokepodsd: opens the tunnels between Kubernetes nodes by poking the pods behind them."""

__version__ = "0.1.0"
