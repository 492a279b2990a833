"""Hours of faults in a row, done to a whole cluster of daemons; nothing may leak or be missed."""
