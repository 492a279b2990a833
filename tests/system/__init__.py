"""The packages as an operator meets them: installed into boxes that boot a real systemd."""
