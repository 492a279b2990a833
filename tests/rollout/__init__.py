"""Deployments that roll out over closed tunnels, and who opens them: nobody, a loop, pokepodsd."""
